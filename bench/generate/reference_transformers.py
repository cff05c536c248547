"""Greedy generation with transformers and its cache, and the weights that both sides use.

make:  reference_transformers.py make <folder>
run:   reference_transformers.py run <folder> <rows> <prompt tokens> <new tokens> <runs> <threads>
"""
import json
import resource
import sys
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

if sys.argv[1] == "make":
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(sys.argv[2])
    sys.exit()

# The CPU build of bench/setup has no CUDA libraries to ask, and dies of the question.
torch.cuda.is_current_stream_capturing = lambda: False

folder, rows, prompt, new, runs, threads = sys.argv[2], *map(int, sys.argv[3:8])
torch.set_num_threads(threads)
model = GPT2LMHeadModel.from_pretrained(folder).eval()
ids = torch.tensor([[(31 * i + 17 * row) % 50000 for i in range(prompt)] for row in range(rows)])
options = dict(
    attention_mask=torch.ones_like(ids),
    max_new_tokens=new,
    min_new_tokens=new,
    do_sample=False,
    use_cache=True,
    pad_token_id=50256,
)
times = []
with torch.inference_mode():
    for _ in range(runs + 1):
        begin = time.perf_counter()
        out = model.generate(ids, **options)
        times.append(1000 * (time.perf_counter() - begin))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"times": times[1:], "memory": memory, "ids": out[:, prompt:].tolist()}))
