"""Trains the same GPT-2 on the same windows with PyTorch and prints one line of JSON, as ours.ts does.

  python step_pytorch.py --device cuda --data train.bin --size 124m --rows 8 --steps 30 --precision bf16 [--compile]

Attention is F.scaled_dot_product_attention, which takes flash attention on CUDA in bf16. In fp32 products of matrices may use
TF32, as XLA's do.
"""
import argparse, json, resource, time
import numpy as np
import torch
from reference_pytorch import GPT

SIZES = {"s": (512, 64, 128, 4, 2), "m": (8192, 128, 256, 8, 4), "124m": (50304, 1024, 768, 12, 12)}

def main():
    p = argparse.ArgumentParser()
    p.add_argument("--device", default="cuda"); p.add_argument("--data", required=True)
    p.add_argument("--size", choices=SIZES, default="124m"); p.add_argument("--rows", type=int, default=8)
    p.add_argument("--steps", type=int, default=30); p.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    p.add_argument("--compile", action="store_true")
    a = p.parse_args()
    torch.manual_seed(1); torch.set_float32_matmul_precision("high")
    vocab, context, width, heads, layers = SIZES[a.size]
    model = GPT(vocab, context, width, heads, layers).to(a.device)
    matrices = [w for w in model.parameters() if w.ndim >= 2]; vectors = [w for w in model.parameters() if w.ndim < 2]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                            lr=6e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)
    run = torch.compile(model) if a.compile else model
    tokens = np.fromfile(a.data, "<u2").astype(np.int64) % vocab
    count = (len(tokens) - 1) // context
    def batch(step):
        starts = [((step * a.rows + row) % count) * context for row in range(a.rows)]
        rows = torch.from_numpy(np.stack([tokens[s : s + context + 1] for s in starts]))
        return rows[:, :-1].contiguous().to(a.device), rows[:, 1:].contiguous().to(a.device)
    times, losses = [], []
    for step in range(a.steps):
        start = time.perf_counter()
        opt.zero_grad(set_to_none=True)
        with torch.autocast(a.device, torch.bfloat16, enabled=a.precision == "bf16"):
            loss = run(*batch(step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        losses.append(loss.item())
        if a.device == "cuda": torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    n = vocab * width + layers * (12 * width * width + 13 * width) + 2 * width
    cuda = a.device == "cuda"
    print(json.dumps(dict(
        contender="pytorch-compile" if a.compile else "pytorch-eager", version=torch.__version__,
        device=torch.cuda.get_device_name() if cuda else "cpu", size=a.size, rows=a.rows, positions=context, precision=a.precision,
        flops=(6 * n + 12 * layers * width * context) * a.rows * context,
        compileMs=times[0] - sorted(times)[len(times) // 2],
        peakBytes=torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        times=times, losses=losses)))

if __name__ == "__main__":
    main()
