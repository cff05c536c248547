import { createTfjsEngine } from "@pipe/engine-tfjs";
import { describe } from "vitest";
import { parityTests } from "./parity.test.fixture.ts";

describe.each(["wasm", "cpu"] as const)("parity with PyTorch and transformers on tfjs, %s", (backend) => {
  parityTests(() => createTfjsEngine({ backend }));
});
