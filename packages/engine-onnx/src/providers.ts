import { messageOf, PipeError } from "@pipe/core";
import { type Runtime, Sessions, type SessionsOptions } from "./sessions.ts";
import { identityModel } from "./gpu/identity-model.ts";
import { vulkanDrivers } from "./gpu/vulkan-drivers.ts";

/** Where ONNX Runtime computes: on the processor, on a GPU through WebGPU, or on one of NVIDIA's through CUDA. */
export type Provider = "cpu" | "webgpu" | "cuda";

const fixes: { readonly [provider in Provider]: string } = {
  cpu: "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node",
  webgpu: "install a driver for Vulkan (on Linux the GPU's own driver, and libvulkan1), Metal or Direct3D 12",
  cuda: "ONNXRUNTIME_NODE_INSTALL=cuda12 npm install onnxruntime-node, with CUDA 12 and cuDNN 9 on the library path",
};

/**
 * Loads ONNX Runtime and proves that a provider works here, by running a program of one node on it.
 * @throws PipeError `engine-missing` where onnxruntime-node is not installed, `provider-missing`.
 */
export async function openProvider(
  options: SessionsOptions,
): Promise<{ readonly runtime: Runtime; readonly sessions: Sessions; readonly version: string }> {
  const runtime = await loadRuntime();
  // What fails is thrown; the log would say it a second time, among what the user's program prints.
  runtime.env.logLevel = "fatal";
  const sessions = new Sessions(runtime, options);
  if (options.provider !== "cpu") await prove(runtime, sessions, options.provider);
  return { runtime, sessions, version: runtime.env.versions.node ?? runtime.env.versions.common };
}

async function loadRuntime(): Promise<Runtime> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new PipeError("engine-missing", "The engine needs ONNX Runtime, which cannot be loaded.", {
      got: messageOf(cause).split("\n")[0]!,
      fix: fixes.cpu,
      cause,
    });
  }
}

async function prove(runtime: Runtime, sessions: Sessions, provider: Provider): Promise<void> {
  try {
    if (provider === "webgpu" && process.platform === "linux" && vulkanDrivers().length === 0) {
      throw new Error("no driver for Vulkan");
    }
    const session = await sessions.create(identityModel("float32").model, "proof");
    await session.run({ x: new runtime.Tensor("float32", Float32Array.of(1), [1]) });
    await session.release();
  } catch (cause) {
    throw new PipeError("provider-missing", `ONNX Runtime cannot compute with ${provider} here.`, {
      got: reasonOf(cause),
      fix: fixes[provider],
      cause,
    });
  }
}

/** The last sentence of what ONNX Runtime says, which begins with the place in its source. */
function reasonOf(cause: unknown): string {
  return messageOf(cause)
    .split("\n")[0]!
    .replace(/^\S*\.cc:\d+ .* was false\. /, "");
}
