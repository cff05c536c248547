import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { PipeError } from "@pipe/core";

/** The packages are CommonJS, as tfjs itself is in Node: so they share it. */
const require = createRequire(import.meta.url);

/** A tfjs backend that this engine can load. */
export type TfjsBackend = {
  /** The package that registers it, an optional peer; none where tfjs itself does. */
  readonly package?: string;
  /** Its name in tfjs. */
  readonly registers: string;
  /** What people should know before they take it. */
  readonly about: string;
  /** Versions of what else it needs, where that is not obvious. */
  readonly needs?: string;
  readonly kind: "cpu" | "gpu";
};

/** Names of the backends in recipes. */
export type TfjsBackendName = "cpu" | "wasm" | "node" | "node-gpu" | "webgpu";

/** The backends by name. */
export const tfjsBackends: { readonly [Name in TfjsBackendName]: TfjsBackend } = {
  cpu: { registers: "cpu", kind: "cpu", about: "plain JavaScript: runs everywhere, slow" },
  wasm: {
    package: "@tensorflow/tfjs-backend-wasm",
    registers: "wasm",
    kind: "cpu",
    about: "WebAssembly, one thread in Node",
  },
  node: {
    package: "@tensorflow/tfjs-node",
    registers: "tensorflow",
    kind: "cpu",
    about: "TensorFlow's C library; its install script downloads libtensorflow 2.9.1",
  },
  "node-gpu": {
    package: "@tensorflow/tfjs-node-gpu",
    registers: "tensorflow",
    kind: "gpu",
    about:
      "TensorFlow 2.9.1 on NVIDIA GPUs; needs CUDA 11.2 and cuDNN 8.1, and compiles kernels at the first step on GPUs newer than Ampere",
    needs:
      "CUDA 11.2, cuDNN 8.1 and an NVIDIA driver of 460 or later; it was made for Node up to 22, and from 23 on this engine gives back the function that Node removed",
  },
  webgpu: {
    package: "@tensorflow/tfjs-backend-webgpu",
    registers: "webgpu",
    kind: "gpu",
    about: "WebGPU; Node itself has none: run it in a browser, or set navigator.gpu",
  },
};

/**
 * Loads a backend's package, so that tfjs knows it; `module` is the package's folder where it is not installed beside us.
 * @throws PipeError `engine-missing` with the command that brings it, or why it does not load here.
 */
export function loadBackend(name: TfjsBackendName, module?: string): TfjsBackend {
  const backend = tfjsBackends[name];
  if (backend.package === undefined) return backend;
  if (backend.registers === "tensorflow") bringBackRemovedFunctions();
  try {
    const place = module === undefined ? backend.package : resolve(module);
    const loaded = require(place) as { readonly setWasmPaths?: (prefix: string) => void };
    // The binaries lie beside the code; by itself it does not find them where the path has a space or a drive letter.
    loaded.setWasmPaths?.(`${dirname(require.resolve(`${place}/package.json`))}/dist/`);
    return backend;
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND";
    throw new PipeError(
      "engine-missing",
      `The tfjs backend "${name}" ${isMissing ? "is not installed" : "does not load"}.`,
      {
        expected: `${backend.package} (${backend.about})`,
        got: (cause as Error).message.split("\n")[0]!,
        fix: isMissing ? `npm install ${backend.package}` : reinstall(backend.package),
        cause,
      },
    );
  }
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 has no more. */
function bringBackRemovedFunctions(): void {
  const util = require("node:util") as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

function reinstall(name: string): string {
  return `its native library is missing or does not fit this machine: npm rebuild ${name} --build-addon-from-source, or take another backend`;
}
