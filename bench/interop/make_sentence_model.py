"""Writes a tiny sentence embedding model as TypeScript: states are rows of a fixed table, scaled where the mask is 1.

python make_sentence_model.py > packages/indexer/src/embedders/tiny-model.test.fixture.ts   (needs onnx, numpy)
"""
import base64
import numpy as np
from onnx import TensorProto, helper, numpy_helper

table = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [3, 0, 0], [0, 4, 0], [0, 0, 5]], np.float32)
graph = helper.make_graph(
    [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
    "tiny",
    [helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "tokens"]) for name in ("input_ids", "attention_mask", "token_type_ids")],
    [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["rows", "tokens", 3])],
    [numpy_helper.from_array(table, "table")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
print("/** A sentence embedding model of six words and three channels in ONNX, made by bench/interop/make_sentence_model.py. */")
print(f'export const tinyModel = Buffer.from(\n  "{base64.b64encode(model.SerializeToString()).decode()}",\n  "base64",\n);')
