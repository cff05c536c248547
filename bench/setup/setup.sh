#!/usr/bin/env bash
# Makes the competitors' environments in bench/.envs: PyTorch for the CPU (1.4 GB), transformers on it, tfjs with its wasm
# backend, the embedding model MiniLM, splitters of text, LanceDB, zvec, vectra, Orama, qmd, and markdown to index.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .envs/wasm .envs/lancedb
bash setup/make_torch_cpu.sh "$PWD/.envs/torch"
bash setup/make_transformers.sh "$PWD/.envs/transformers" "$PWD/.envs/torch"
npm install --prefix .envs/wasm --no-audit --no-fund @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
bash setup/make_minilm.sh "$PWD/.envs/minilm"
mkdir -p .envs/chunking
npm install --prefix .envs/chunking --no-audit --no-fund --ignore-scripts \
  @langchain/textsplitters@1.0.2 @langchain/core llamaindex@0.12.1 @mastra/rag@2.6.4
mkdir -p .envs/peers .envs/next-docs
npm install --prefix .envs/peers --no-audit --no-fund --ignore-scripts vectra@0.15 @orama/orama@3.1.18
mkdir -p .envs/qmd
npm install --prefix .envs/qmd --no-audit --no-fund --ignore-scripts @tobilu/qmd@2.8.3
# Of Next.js only its documentation is used: 475 files of markdown.
npm install --prefix .envs/next-docs --no-audit --no-fund --ignore-scripts --no-optional next@16.4.6
npm install --prefix .envs/lancedb --no-audit --no-fund --ignore-scripts @lancedb/lancedb@0.39.0
mkdir -p .envs/zvec
npm install --prefix .envs/zvec --no-audit --no-fund --ignore-scripts @zvec/zvec@0.7.0
