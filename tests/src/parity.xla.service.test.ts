import { createXlaEngine } from "@pipe/engine-xla";
import { describe } from "vitest";
import { parityTests } from "./parity.test.fixture.ts";

const plugin = process.env["PIPE_XLA_CPU"];

describe.skipIf(plugin === undefined)("parity with PyTorch and transformers on XLA", () => {
  parityTests(() => createXlaEngine({ plugin: plugin!, threads: 2 }));
});
