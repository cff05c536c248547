import { engineContract } from "@pipe/graph/testing";
import { describe, expect, it } from "vitest";
import { createXlaEngine } from "./create-engine.ts";

const plugin = process.env["PIPE_XLA_CPU"];

describe.skipIf(plugin === undefined)("on the CPU", () =>
  engineContract(() => createXlaEngine({ plugin: plugin!, threads: 2 }), { describe, it, expect }),
);
