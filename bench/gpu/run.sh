#!/bin/sh
# Runs all contenders of the GPU benchmark in turn, from the folder that pack.ts packed:
#   ./run.sh [--device cuda|cpu] [--size 124m|m|s] [--rows 8] [--steps 30] [--rounds 3] [--plugin <library>] [--python <python>]
# Prints a table, and leaves every run as a line of JSON in results.jsonl. What a machine lacks is reported as absent.
set -eu
cd "$(dirname "$0")"
device=cuda size=124m rows=8 steps=30 rounds=3 plugin= python=python3
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=$2 ;; --size) size=$2 ;; --rows) rows=$2 ;; --steps) steps=$2 ;; --rounds) rounds=$2 ;;
    --plugin) plugin=$2 ;; --python) python=$2 ;;
    *) echo "run.sh does not know $1" >&2; exit 2 ;;
  esac
  shift 2
done
: > results.jsonl
absent() { printf '{"contender":"%s","absent":"%s"}\n' "$1" "$2" >> results.jsonl; }
# One contender: its name and its command. The last line that it prints is its result.
contender() {
  name=$1
  shift
  if "$@" > out.txt 2> err.txt; then tail -n 1 out.txt >> results.jsonl; else
    echo "$name failed:" >&2
    tail -n 20 err.txt >&2
    absent "$name" failed
  fi
}

# A plug-in for CUDA comes from PyPI (jax-cuda13-pjrt, or jax-cuda12-pjrt) and brings no NVIDIA library of its own.
site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2> /dev/null || true)
if [ -z "$plugin" ] && [ "$device" = cuda ]; then
  for found in "$site"/jax_plugins/xla_cuda*/xla_cuda_plugin.so; do [ -f "$found" ] && plugin=$found; done
fi
if [ "$device" = cuda ] && [ -n "$plugin" ]; then
  # Beside the plug-in, and where PyTorch's wheels have them.
  for root in "$(dirname "$plugin")/../.." "$site"; do
    for folder in "$root"/nvidia/*/lib; do [ -d "$folder" ] && LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}:$folder"; done
    for folder in "$root"/nvidia/cu13 "$root"/nvidia/cuda_nvcc; do
      [ -d "$folder" ] && export XLA_FLAGS="--xla_gpu_cuda_data_dir=$folder ${XLA_FLAGS:-}"
    done
  done
  export LD_LIBRARY_PATH
fi

common="--data train.bin --size $size --rows $rows --steps $steps"
round=0
while [ $round -lt "$rounds" ]; do
  round=$((round + 1))
  for precision in fp32 bf16; do
    if [ -n "$plugin" ]; then
      # shellcheck disable=SC2086
      contender "ours-xla" ./node ours.mjs --plugin "$plugin" $common --precision $precision
    else
      absent "ours-xla" "no plug-in"
    fi
    if "$python" -c 'import torch' 2> /dev/null; then
      # shellcheck disable=SC2086
      contender "pytorch-eager" "$python" step_pytorch.py --device "$device" $common --precision $precision
      # shellcheck disable=SC2086
      contender "pytorch-compile" "$python" step_pytorch.py --device "$device" $common --precision $precision --compile
    else
      absent "pytorch-eager" "no torch"
      absent "pytorch-compile" "no torch"
    fi
  done
done
./node report.mjs results.jsonl
