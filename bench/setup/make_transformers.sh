#!/usr/bin/env bash
# Makes bench/.envs/transformers: Hugging Face's transformers on the PyTorch of bench/.envs/torch, which setup.sh makes.
# usage: make_transformers.sh [VENV [TORCH_VENV]]
set -euo pipefail
ENVS="$(cd "$(dirname "$0")/.." && pwd)/.envs"
VENV=${1:-$ENVS/transformers}
TORCH=${2:-$ENVS/torch}
[ -d "$TORCH" ] || bash "$(dirname "$0")/make_torch_cpu.sh" "$TORCH"
[ -d "$VENV" ] || python3 -m venv "$VENV"
"$VENV/bin/pip" install -q --no-deps transformers==5.24.0
"$VENV/bin/pip" install -q safetensors tokenizers huggingface-hub numpy packaging pyyaml regex requests tqdm typer onnx
SITE=$(echo "$VENV"/lib/python3.*/site-packages)
echo "$(realpath "$TORCH")"/lib/python3.*/site-packages > "$SITE/torch.pth"
# The small PyTorch has no CUDA to ask whether it is recording a graph.
sed -i 's/return torch.cuda.is_current_stream_capturing()/return False/' "$SITE/transformers/utils/import_utils.py"
"$VENV/bin/python" - <<'PYTHON'
import torch
from transformers import GPT2Config, GPT2LMHeadModel

config = GPT2Config(vocab_size=9, n_positions=4, n_embd=4, n_layer=1, n_head=1, bos_token_id=None, eos_token_id=None)
print(GPT2LMHeadModel(config)(torch.zeros(1, 4, dtype=torch.long)).logits.shape)
PYTHON
