import type { CompileReport, TensorSpec } from "@pipe/core";
import type { Graph, Value } from "@pipe/graph";
import { recompute, specOf } from "@pipe/graph";
import { optimise, reportOf } from "@pipe/graph/engine";
import { fuseScatterAdd } from "./fuse-scatter-add.ts";
import { findInPlace } from "./in-place/find-in-place.ts";
import { lowerUpdates } from "./in-place/lower-updates.ts";
import type { Provider } from "./providers.ts";
import type { OutputSource, ProgramInput, ProgramPlan, Source } from "./protocol.ts";
import { isNativeComposite, isLowered } from "./lowering/lowerings.ts";
import { sessionModel } from "./session-model.ts";

/** A program for the session host: an ONNX model, and what is done with its results. */
export type LoweredProgram = Omit<ProgramPlan, "inputs" | "outputs"> & {
  readonly inputs: readonly (ProgramInput & { readonly path: string })[];
  readonly outputs: readonly { readonly path: string; readonly spec: TensorSpec; readonly from: OutputSource }[];
  readonly report: Pick<CompileReport, "flops" | "argumentBytes" | "plannedPeakBytes" | "ops">;
};

/** What may be done with a program's inputs. */
export type LowerOptions = {
  /** Whether the input of this path is consumed by a run; then its memory is used for the output of the same path. */
  readonly isDonated?: (path: string) => boolean;
  /** Names of blocks that are computed again in the backward pass. */
  readonly recompute?: readonly string[];
  /** What computes it; default `"cpu"`. */
  readonly provider?: Provider;
};

/** Turns a graph into an ONNX model of opset 18 and updates in place. @throws PipeError `unsupported-op` naming op and line. */
export function lower(
  traced: Graph,
  { isDonated = () => false, recompute: again = [], provider = "cpu" }: LowerOptions = {},
): LoweredProgram {
  const graph = fuseScatterAdd(optimise(recompute(traced, again), (op) => isNativeComposite(op, provider)));
  const inPlace = findInPlace(graph, isDonated, provider !== "webgpu");
  const remaining = Object.entries(graph.outputs).flatMap(([path, value]) => (inPlace.has(path) ? [] : [value]));
  const session = sessionModel(graph, [...inPlace.needed, ...remaining], provider);

  const places = new Map(Object.keys(graph.inputs).map((path, i) => [path, i]));
  // An input that is handed out under another name is fetched as well, but state is updated where it lies.
  const sourceOf = (value: Value): Source => {
    const { op, attributes } = graph.nodes[value.node]!;
    return op === "Input" ? { input: places.get(attributes["path"] as string)! } : { fetch: session.fetchOf(value)! };
  };
  const inputs = Object.entries(graph.inputs).map(([path, number]) => {
    const name = session.inputNames.get(path);
    return { path, spec: graph.nodes[number]!.outputs[0]!, ...(name === undefined ? {} : { name }) };
  });
  const outputs = Object.entries(graph.outputs).map(([path, value]) => ({
    path,
    spec: specOf(graph.nodes, value),
    from: inPlace.sourceOf(path, places.get(path)!) ?? { fetch: session.fetchOf(value)! },
  }));
  return {
    model: session.model,
    inputs,
    fetches: session.fetches,
    outputs,
    ...lowerUpdates(inPlace.updates, sourceOf),
    writes: inPlace.writes.map(({ path, rows, positions, shape }) => ({
      input: places.get(path)!,
      rows: sourceOf(rows),
      positions: sourceOf(positions),
      shape,
    })),
    report: reportOf(traced, graph, [...inputs, ...outputs], (op, [first]) => isLowered(op, first?.dtype, provider)),
  };
}
