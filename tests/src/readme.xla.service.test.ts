import { join } from "node:path";
import { describe } from "vitest";
import { exampleTests } from "./readme.test.fixture.ts";

describe.skipIf(process.env["PIPE_XLA_CPU"] === undefined)("the example of engine-xla", () =>
  exampleTests(["packages/engine-xla/README.md"], join(import.meta.dirname, "../.readme/xla")),
);
