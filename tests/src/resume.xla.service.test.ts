import { describe } from "vitest";
import { resumeTests } from "./resume.test.fixture.ts";

const plugin = process.env["PIPE_XLA_CPU"];

describe.skipIf(plugin === undefined)("exact resume on XLA", () =>
  resumeTests(`{ kind: xla, device: ${JSON.stringify(plugin)}, threads: 2 }`, { kills: 4 }),
);
