"""Loss of a checkpoint folder in PyTorch, over every target of a text's last part: the figure of `pipe eval` again.

python evaluate_checkpoint.py <checkpoint folder> <text file> [--fraction 0.1] [--length 64]
"""
import argparse, json, os, sys
import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../train"))
from reference_pytorch import GPT, load

p = argparse.ArgumentParser()
p.add_argument("folder"); p.add_argument("text")
p.add_argument("--fraction", type=float, default=0.1); p.add_argument("--length", type=int, default=64)
a = p.parse_args()
with open(os.path.join(a.folder, "config.json")) as f: config = json.load(f)
with open(os.path.join(a.folder, "tokenizer.json")) as f: ids = {c: i for i, c in enumerate(json.load(f)["characters"])}
with open(a.text, encoding="utf8", newline="") as f: text = f.read()
tail = text[int(len(text) * (1 - a.fraction)):]
tokens = torch.tensor([ids[c] for c in tail])
model = GPT(config["vocab_size"], config["n_positions"], config["n_embd"], config["n_head"], config["n_layer"]).eval()
load(model, os.path.join(a.folder, "model.safetensors"))
total = count = 0.0
with torch.no_grad():
    whole = (len(tokens) - 1) // a.length * a.length
    rows = [(tokens[:whole].view(-1, a.length), tokens[1 : whole + 1].view(-1, a.length))]
    if whole < len(tokens) - 1: rows.append((tokens[whole:-1][None], tokens[whole + 1 :][None]))
    for x, y in rows:
        for xs, ys in zip(x.split(64), y.split(64)):
            total += model(xs, ys).item() * ys.numel(); count += ys.numel()
print(json.dumps(dict(loss=total / count, targets=int(count))))
