"""Makes tests/fixtures/interop: a tiny GPT-2 as transformers saves it, in three layouts, and its logits.

usage: make_fixture.py [folder]
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/fixtures/interop")
shutil.rmtree(folder, ignore_errors=True)
torch.manual_seed(7)
config = GPT2Config(
    vocab_size=257, n_positions=24, n_embd=16, n_layer=2, n_head=2, bos_token_id=256, eos_token_id=256
)
model = GPT2LMHeadModel(config).eval()
with torch.no_grad():  # away from the small weights that a model starts with
    for name, value in model.named_parameters():
        value.add_(torch.randn_like(value) * (0.2 if value.dim() == 2 else 0.1))

model.save_pretrained(folder / "whole")  # names begin with transformer.
model.save_pretrained(folder / "sharded", max_shard_size="30KB")
model.transformer.half().save_pretrained(folder / "bare-half")  # names without it, float16
model.float()  # what was rounded stays rounded: its own logits below

ids = torch.randint(0, 257, (2, 24), generator=torch.Generator().manual_seed(3))
logits = {}
for layout in ["whole", "bare-half"]:
    loaded = GPT2LMHeadModel.from_pretrained(folder / layout, dtype=torch.float32).eval()
    with torch.no_grad():
        logits[layout] = loaded(ids).logits.contiguous()
greedy = GPT2LMHeadModel.from_pretrained(folder / "whole").eval().generate(
    ids[:1, :4], max_new_tokens=12, do_sample=False, attention_mask=torch.ones(1, 4, dtype=torch.long), eos_token_id=None
)
save_file({"ids": ids.to(torch.int32), "greedy": greedy[0].to(torch.int32), **logits}, folder / "logits.safetensors")
print(json.dumps({layout: float(value.abs().max()) for layout, value in logits.items()}))
