import { messageOf, PipeError } from "@pipe/core";
import { tfjsBackends } from "@pipe/engine-tfjs";
import { builtInModules, type EngineChoice } from "@pipe/pipeline";
import { withEngine } from "../engine.ts";
import type { Host } from "../host.ts";

/** What there is of one engine here, what it needs besides, and what brings it where it is missing. */
export type EngineState = {
  readonly name: string;
  readonly kind: string;
  readonly use: string;
  readonly needs?: string;
} & (
  | { readonly available: true; readonly device: string; readonly threads?: number }
  | { readonly available: false; readonly problem: string; readonly fix?: string }
);

type Known = { readonly name: string; readonly choice: EngineChoice; readonly fix?: string; readonly needs?: string };

const known: readonly Known[] = [
  { name: "onnx", choice: { kind: "onnx" }, fix: "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node" },
  { name: "onnx-webgpu", choice: { kind: "onnx", provider: "webgpu" }, needs: "any GPU; its driver is all it needs" },
  {
    name: "onnx-cuda",
    choice: { kind: "onnx", provider: "cuda" },
    needs: "a GPU of NVIDIA; state crosses the bus in every step, which xla-cuda13 saves",
  },
  { name: "xla-cpu", choice: { kind: "xla", device: "cpu" } },
  { name: "xla-cuda13", choice: { kind: "xla", device: "cuda" } },
  ...Object.entries(tfjsBackends).map(([backend, { package: name, about, needs }]): Known => {
    // The one without a package is tfjs itself, and what the engine takes by default.
    if (name === undefined) return { name: "tfjs", choice: { kind: "tfjs" } };
    return { name: `tfjs-${backend}`, choice: { kind: "tfjs", backend }, needs: needs ?? about };
  }),
];

/** Starts every engine that this version knows, one after another, and says what it runs on or why it does not start. */
export async function doctor(host: Host): Promise<readonly EngineState[]> {
  const kinds = new Set(builtInModules.flatMap((module) => (module.port === "engine" ? module.kinds : [])));
  const states: EngineState[] = [];
  for (const each of known) if (kinds.has(each.choice.kind)) states.push(await stateOf(each, host));
  return states;
}

async function stateOf({ name, choice, fix, needs }: Known, host: Host): Promise<EngineState> {
  const head = { name, kind: choice.kind, use: useOf(choice), ...(needs === undefined ? {} : { needs }) };
  try {
    return await withEngine(host, choice, async ({ device }) => ({
      ...head,
      available: true,
      device: device.name,
      ...(device.threads === undefined ? {} : { threads: device.threads }),
    }));
  } catch (error) {
    const advice = fix ?? (PipeError.is(error) ? error.fix : undefined);
    const problem = messageOf(error).split("\n")[0]!;
    return { ...head, available: false, problem, ...(advice === undefined ? {} : { fix: advice }) };
  }
}

/** The line of a recipe that chooses it. */
function useOf(choice: EngineChoice): string {
  const options = Object.entries(choice).map(([name, value]) => `${name}: ${String(value)}`);
  return `engine: { ${options.join(", ")} }`;
}

/** The states as people read them. */
export function formatStates(states: readonly EngineState[]): string {
  const width = Math.max(...states.map(({ name }) => name.length)) + 2;
  const lines = states.flatMap((state) => {
    const name = state.name.padEnd(width);
    if (state.available) {
      const threads = state.threads === undefined ? "" : `, ${state.threads} threads`;
      return [`${name}${state.device}${threads}`, `${" ".repeat(width)}${state.use}`];
    }
    const fix = state.fix === undefined ? [] : [`${" ".repeat(width)}${state.fix}`];
    const needs = state.needs === undefined ? [] : [`${" ".repeat(width)}${state.needs}`];
    return [`${name}not here: ${state.problem}`, ...fix, ...needs];
  });
  return `${lines.join("\n")}\n`;
}
