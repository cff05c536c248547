import { createOnnxEngine } from "@pipe/engine-onnx";
import { describe } from "vitest";
import { parityTests } from "./parity.test.fixture.ts";

describe("parity with PyTorch and transformers on ONNX Runtime", () => {
  parityTests(() => createOnnxEngine({ threads: 2 }));
});
