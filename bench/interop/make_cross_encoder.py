"""Writes a tiny cross-encoder as TypeScript: a pair scores 100 a word of the query and 1 a word of the passage, by a fixed table.

python make_cross_encoder.py > packages/indexer/src/rerankers/tiny-cross-encoder.test.fixture.ts   (needs onnx, numpy)
"""
import base64
import numpy as np
from onnx import TensorProto, helper, numpy_helper

table = np.array([0, 0, 0, 3, 4, 5], np.float32)  # words 3, 4 and 5; the special tokens count nothing
nodes = [
    helper.make_node("Gather", ["table", "input_ids"], ["values"]),
    helper.make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.FLOAT),
    helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
    helper.make_node("Mul", ["types", "less"], ["second"]),
    helper.make_node("Sub", ["hundred", "second"], ["weights"]),
    helper.make_node("Mul", ["values", "weights"], ["weighted"]),
    helper.make_node("Mul", ["weighted", "mask"], ["masked"]),
    helper.make_node("ReduceSum", ["masked", "axes"], ["logits"], keepdims=1),
]
constants = {"table": table, "hundred": np.float32(100), "less": np.float32(99), "axes": np.array([1], np.int64)}
graph = helper.make_graph(
    nodes,
    "tiny",
    [helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "tokens"]) for name in ("input_ids", "attention_mask", "token_type_ids")],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", 1])],
    [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
print("/** A cross-encoder of six words in ONNX, made by bench/interop/make_cross_encoder.py. */")
print(f'export const tinyCrossEncoder = Buffer.from(\n  "{base64.b64encode(model.SerializeToString()).decode()}",\n  "base64",\n);')
