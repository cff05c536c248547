"""JSON lines to one file of uint16 tokens with Hugging Face's tokenizers: prints seconds and tokens as JSON."""
import json
import os
import sys
import time

import numpy as np
from tokenizers import Tokenizer

corpus, folder = sys.argv[1:3]
tokenizer = Tokenizer.from_file(os.path.join(folder, "gpt2.json"))
end_of_text = tokenizer.token_to_id("<|endoftext|>")
begin = time.perf_counter()
tokens = 0
with open(corpus, encoding="utf-8") as lines, open(os.path.join(folder, "reference.bin"), "wb") as out:
    batch = []

    def write():
        global tokens
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            ids = encoding.ids if tokens == 0 else [end_of_text, *encoding.ids]
            out.write(np.asarray(ids, dtype=np.uint16).tobytes())
            tokens += len(ids)
        batch.clear()

    for line in lines:
        text = json.loads(line)["text"]
        if text:
            batch.append(text)
        if len(batch) == 1000:
            write()
    write()
    out.flush()
    os.fsync(out.fileno())
print(json.dumps({"seconds": time.perf_counter() - begin, "tokens": tokens}))
