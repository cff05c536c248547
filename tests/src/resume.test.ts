import { describe } from "vitest";
import { resumeTests } from "./resume.test.fixture.ts";

/** `PIPE_KILLS=100` takes some minutes. */
const KILLS = Number(process.env["PIPE_KILLS"] ?? 12);

describe("exact resume on ONNX Runtime", () => resumeTests("{ kind: onnx, threads: 1 }", { kills: KILLS }));
