import { engineContract } from "@pipe/graph/testing";
import { describe, expect, it } from "vitest";
import { createTfjsEngine } from "./create-engine.ts";

const module = process.env["PIPE_TFJS_NODE"];

describe.skipIf(module === undefined)("on TensorFlow's C library", () =>
  engineContract(() => createTfjsEngine({ backend: "node", module }), { describe, it, expect }),
);
