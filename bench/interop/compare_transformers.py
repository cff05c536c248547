"""Compares what @pipe wrote with transformers, and saves it as transformers does.

usage: compare_transformers.py <folder> <reference.safetensors> <text file> [<folder to save to>]

The reference holds ids [B, T], our logits of them, our token ids of the text, and our greedy continuation of its first
row's first four. Without tokenizer_config.json in the folder (a checkpoint) only the logits are compared.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel


def main(folder, reference_path, text_path, target=None):
    reference = load_file(reference_path)
    ids = reference["ids"].long()
    exported = (Path(folder) / "tokenizer_config.json").exists()
    kind = AutoModelForCausalLM if exported else GPT2LMHeadModel
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(ids).logits
    result = {"difference": float((logits - reference["logits"]).abs().max())}
    if exported:
        prompt = ids[:1, :4]
        tokens = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=reference["greedy"].shape[0],
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )[0, 4:]
        result["greedy"] = bool((tokens == reference["greedy"]).all())
        tokenizer = AutoTokenizer.from_pretrained(folder)
        text = Path(text_path).read_text(encoding="utf-8")
        result["tokens"] = tokenizer(text).input_ids == reference["tokens"].tolist()
        result["text"] = tokenizer.decode(reference["tokens"].long()) == text
        result["end"] = tokenizer.eos_token_id
        if target is not None:
            model.save_pretrained(target, max_shard_size="200KB")
            tokenizer.save_pretrained(target)
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
