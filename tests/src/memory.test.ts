import { describe } from "vitest";
import { memoryTests } from "./memory.test.fixture.ts";

describe("memory of a training step on ONNX Runtime", () => memoryTests("", 0.65));
