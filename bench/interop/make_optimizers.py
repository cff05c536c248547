"""Makes tests/fixtures/parity/optimizers.json: ten updates of two small parameters by each optimizer, as PyTorch computes
them in float32; Lion by the formula of its paper (Chen et al., 2023, algorithm 2).

  bench/.envs/torch/bin/python bench/interop/make_optimizers.py > tests/fixtures/parity/optimizers.json
"""
import json
import torch

STEPS = 10
torch.manual_seed(5)
# "matrix" decays, "bias" does not.
initial = {"matrix": torch.randn(3, 4), "bias": torch.randn(5)}
gradients = [{name: torch.randn_like(value) for name, value in initial.items()} for _ in range(STEPS)]
rates = [0.01 * (1 + step) for step in range(STEPS)]


class Lion(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                b1, b2 = group["betas"]
                direction = (b1 * m + (1 - b1) * p.grad).sign()
                p.sub_(group["lr"] * (direction + group["weight_decay"] * p))
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


class Muon(torch.optim.Optimizer):
    """PyTorch's own for the matrix, its Newton-Schulz iteration in float32 instead of bfloat16; AdamW for the bias."""
    @torch.no_grad()
    def step(self):
        muon = torch.optim._muon
        for group in self.param_groups:
            for p in group["params"]:
                lr, decay = group["lr"], group["weight_decay"]
                if p.dim() == 2:
                    m = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    m.lerp_(p.grad, 1 - 0.95)
                    update = p.grad.lerp(m, 0.95)
                    tall = p.size(0) > p.size(1)
                    x = update.T if tall else update
                    x = x / x.norm().clamp(min=1e-7)
                    for _ in range(5):
                        gram = x @ x.T
                        x = muon.DEFAULT_A * x + (muon.DEFAULT_B * gram + muon.DEFAULT_C * gram @ gram) @ x
                    p.mul_(1 - lr * decay)
                    p.sub_(muon._adjust_lr(lr, "match_rms_adamw", p.shape) * (x.T if tall else x))
                else:
                    inner = self.state[p].setdefault("inner", torch.optim.AdamW([p], lr=lr, betas=(0.9, 0.95), weight_decay=decay))
                    inner.param_groups[0]["lr"] = lr
                    inner.step()
                    self.state[p].update(m=inner.state[p]["exp_avg"], v=inner.state[p]["exp_avg_sq"])


O = torch.optim
CASES = {
    # our kind and options; PyTorch's class, its options; our slot -> PyTorch's
    "sgd": ({"kind": "sgd", "weightDecay": 0.1}, O.SGD, dict(weight_decay=0.1), {}),
    "sgd momentum dampening": (
        {"kind": "sgd", "momentum": 0.9, "dampening": 0.3, "weightDecay": 0.1},
        O.SGD, dict(momentum=0.9, dampening=0.3, weight_decay=0.1), {"momentum": "momentum_buffer"},
    ),
    "sgd nesterov": (
        {"kind": "sgd", "momentum": 0.8, "nesterov": True},
        O.SGD, dict(momentum=0.8, nesterov=True), {"momentum": "momentum_buffer"},
    ),
    "adam": ({"kind": "adam", "weightDecay": 0.1}, O.Adam, dict(weight_decay=0.1), {"m": "exp_avg", "v": "exp_avg_sq"}),
    "adamw": (
        {"kind": "adamw", "beta2": 0.999, "weightDecay": 0.1},
        O.AdamW, dict(weight_decay=0.1), {"m": "exp_avg", "v": "exp_avg_sq"},
    ),
    "adafactor": (
        {"kind": "adafactor", "weightDecay": 0.1}, O.Adafactor, dict(weight_decay=0.1),
        {"row": "row_var", "column": "col_var", "v": "variance"},
    ),
    "muon": ({"kind": "muon", "weightDecay": 0.1}, Muon, dict(weight_decay=0.1), {"momentum": "momentum", "m": "m", "v": "v"}),
    "lion": ({"kind": "lion", "weightDecay": 0.1}, Lion, dict(betas=(0.9, 0.99), weight_decay=0.1), {"m": "m"}),
}


def run(make, options, slots):
    params = {name: torch.nn.Parameter(value.clone()) for name, value in initial.items()}
    groups = [
        {"params": [params["matrix"]], **options},
        {"params": [params["bias"]], **options, "weight_decay": 0.0},
    ]
    optimizer = make(groups, {"lr": 1.0} if make in (Lion, Muon) else 1.0)
    for rate, grads in zip(rates, gradients):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, param in params.items():
            param.grad = grads[name].clone()
        optimizer.step()
    flat = lambda tensors: {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()}
    return {
        "params": flat(params),
        "slots": {ours: flat({n: optimizer.state[p][theirs] for n, p in params.items() if theirs in optimizer.state[p]}) for ours, theirs in slots.items()},
    }


flat = lambda tensors: {name: tensor.flatten().tolist() for name, tensor in tensors.items()}
print(json.dumps({
    "shapes": {name: list(value.shape) for name, value in initial.items()},
    "initial": flat(initial),
    "rates": rates,
    "gradients": [flat(each) for each in gradients],
    "cases": {name: {"config": config, **run(make, options, slots)} for name, (config, make, options, slots) in CASES.items()},
}))
