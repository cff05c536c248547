"""Scores pairs with a BERT cross-encoder of random weights as sentence-transformers' CrossEncoder does, and writes it in ONNX.

python cross_encoder.py <folder of a BERT tokenizer> <folder to make> <pairs.json>: prints the scores as JSON (needs torch, transformers)
"""
import json, shutil, sys
from pathlib import Path
import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

source, target, pairs = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
torch.manual_seed(7)
config = BertConfig(vocab_size=30522, hidden_size=64, num_hidden_layers=3, num_attention_heads=4, intermediate_size=128, num_labels=1,
                    initializer_range=0.3, attn_implementation="eager")
model = BertForSequenceClassification(config).eval()
target.mkdir(parents=True, exist_ok=True)
shutil.copy(source / "tokenizer.json", target / "tokenizer.json")
(target / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 48}))
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(source / "tokenizer.json"), pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")
scores = []
with torch.no_grad():
    for query, passage in pairs:
        encoded = tokenizer(query, passage, truncation="only_second", max_length=48, return_tensors="pt", return_token_type_ids=True)
        scores.append(model(**encoded).logits.item())
    example = tokenizer("a", "b", return_tensors="pt", return_token_type_ids=True)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    rows = {0: "rows", 1: "tokens"}
    torch.onnx.export(model, tuple(example[name] for name in names), str(target / "model.onnx"), input_names=names, output_names=["logits"],
                      dynamic_axes={**{name: rows for name in names}, "logits": {0: "rows"}}, opset_version=17, dynamo=False)
print(json.dumps(scores))
