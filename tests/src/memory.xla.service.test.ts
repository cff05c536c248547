import { describe } from "vitest";
import { memoryTests } from "./memory.test.fixture.ts";

const plugin = process.env["PIPE_XLA_CPU"];

// The plug-in itself takes a part of the memory.
describe.skipIf(plugin === undefined)("memory of a training step on XLA", () => memoryTests(plugin!, 0.75));
