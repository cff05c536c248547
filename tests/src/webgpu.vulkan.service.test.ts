import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { beforeAll, describe, expect, it } from "vitest";
import { parityTests } from "./parity.test.fixture.ts";
import { resumeTests } from "./resume.test.fixture.ts";
import { driver, useSoftwareGpu } from "./software-gpu.test.fixture.ts";

const main = join(import.meta.dirname, "../../apps/trainer/src/main.ts");

// One file, as two that compute on the software GPU at a time take many times longer than one after the other.
describe.skipIf(driver === undefined)("ONNX Runtime's WebGPU", { timeout: 300_000 }, () => {
  beforeAll(useSoftwareGpu);

  describe("parity with PyTorch and transformers", () => parityTests(() => createOnnxEngine({ provider: "webgpu" })));

  it("is what pipe engines finds", async () => {
    const args = ["--conditions=@pipe/source", main, "engines", "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const states = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string });
    expect(states.find(({ name }) => name === "onnx-webgpu")).toMatchObject({ available: true });
  });

  describe("exact resume", () => resumeTests("{ kind: onnx, provider: webgpu }", { kills: 0, steps: 10 }));
});
