import { createTfjsEngine } from "@pipe/engine-tfjs";
import { describe } from "vitest";
import { parityTests } from "./parity.test.fixture.ts";

const module = process.env["PIPE_TFJS_NODE"];

describe.skipIf(module === undefined)("parity with PyTorch and transformers on TensorFlow's C library", () => {
  parityTests(() => createTfjsEngine({ backend: "node", module }));
});
