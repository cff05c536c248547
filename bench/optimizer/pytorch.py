"""One round of a PyTorch optimizer's update alone on the CPU: prints times in ms and peak memory in MB as JSON.

  python pytorch.py <shapes as JSON> <class> <options as JSON> <updates>
"""
import json
import resource
import sys
import time

import torch

shapes, name, options, count = json.loads(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(2)
params = [torch.nn.Parameter(torch.full(shape, 0.02)) for shape in shapes]
for param in params:
    param.grad = torch.full_like(param, 1e-3)
optimizer = getattr(torch.optim, name)(params, lr=1e-4, **options)
times = []
for _ in range(count):
    begin = time.perf_counter()
    optimizer.step()
    times.append(1000 * (time.perf_counter() - begin))
print(json.dumps({"times": times, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
