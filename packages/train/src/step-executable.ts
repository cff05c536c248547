import type {
  CompileReport,
  DeviceTensor,
  HostArray,
  IEngine,
  IExecutable,
  ModelState,
  TensorSpec,
  Tree,
} from "@pipe/core";
import { definedOnly, deviceTensorsOf, hostArray, partSpecs, PipeError, sizeOf } from "@pipe/core";
import type * as tf from "@pipe/graph/tf";
import { type DistributedContext, singleProcess } from "./distributed/distributed-context.ts";
import { summing } from "./distributed/sum-over-processes.ts";
import { accumulateProgram, applyProgram, stepProgram, type StepParts, trainableNames } from "./step-program.ts";

type State = Pick<ModelState, "params" | "slots" | "scalars">;
type Arrays = { readonly [name: string]: HostArray };
type Specs = { readonly [name: string]: TensorSpec };

/** What one step is given. */
type StepFeeds = {
  readonly state: State;
  readonly batch: Arrays;
  readonly rates: Float32Array;
  readonly known: Int32Array;
  /** Seed of dropout. */
  readonly seed: number;
  /** Steps before this one. */
  readonly step: number;
};

/** One optimizer step, compiled. */
export type StepExecutable = AsyncDisposable & {
  readonly report: CompileReport;
  /** Consumes the state. */
  run(
    feeds: StepFeeds,
  ): Promise<{ state: Omit<State, "slots"> & Partial<State>; figures: DeviceTensor; applied: DeviceTensor }>;
};

type StepOptions<B> = StepParts<B> & {
  readonly engine: IEngine;
  readonly batch: Specs;
  readonly accumulate?: number;
  readonly recompute?: readonly string[];
  readonly precision?: "fp32" | "bf16" | "fp16";
  readonly distributed?: DistributedContext;
};

const scalar = (dtype: TensorSpec["dtype"]): TensorSpec => ({ shape: [], dtype });
const rateSpecs = { rates: { shape: [3], dtype: "float32" }, known: scalar("int32") } as const;
const seedSpec: TensorSpec = { shape: [2], dtype: "int32" };

/** Compiles one optimizer step over batches of these specs. @throws PipeError `accumulate-invalid`. */
export async function compileStep<B>(
  options: StepOptions<B>,
  state: { readonly [group: string]: Tree<TensorSpec> },
): Promise<StepExecutable> {
  const { engine, batch, accumulate = 1, recompute = [], precision, distributed = singleProcess } = options;
  if (accumulate !== 1 || distributed.world > 1) return compileAccumulatedStep(options, state, accumulate);
  const executable = await compile(
    engine,
    stepProgram(options),
    { state, batch, ...rateSpecs, seed: seedSpec },
    { donate: ["state"], batch: ["batch"], recompute, ...definedOnly({ precision }) },
  );
  return {
    report: executable.report,
    run: async ({ step, seed, ...feeds }) => {
      return (await executable.run({ ...feeds, seed: Int32Array.of(seed, step) } as never)) as never;
    },
    [Symbol.asyncDispose]: () => executable[Symbol.asyncDispose](),
  };
}

/**
 * Two programs: one adds up the gradients of a part of the rows, the other makes the update. With several processes each
 * takes its share of the parts, and the sums are added up over all of them in between.
 */
async function compileAccumulatedStep<B>(
  options: StepOptions<B>,
  state: { readonly [group: string]: Tree<TensorSpec> },
  own: number,
): Promise<StepExecutable> {
  const { engine, recompute = [], precision, distributed = singleProcess } = options;
  const rows = Object.values(options.batch)[0]!.shape[0]!;
  const parts = own * distributed.world;
  if (!Number.isInteger(parts) || parts < 1 || parts > rows) {
    throw new PipeError("accumulate-invalid", "The rows of a batch cannot be split into that many parts.", {
      expected: `an integer from 1 to ${rows}${distributed.world > 1 ? `, over ${distributed.world} processes` : ""}`,
      got: String(parts),
    });
  }
  if (rows % parts !== 0 && !("weights" in options.batch)) {
    throw new PipeError("accumulate-invalid", "A batch without weights must split into equal parts.", {
      expected: `a divisor of ${rows}`,
      got: String(parts),
    });
  }
  const batch = partSpecs(options.batch, parts);
  const isScaled = options.gradients.lossScale !== undefined;
  const params = state["params"] as Specs;
  const grads = Object.fromEntries(trainableNames(options).map((name) => [name, params[name]!]));
  const sumSpecs = { grads, loss: scalar("float32"), weight: scalar("float32") };
  const add = await compile(
    engine,
    accumulateProgram(options),
    {
      sums: sumSpecs,
      params,
      batch,
      part: scalar("int32"),
      seed: seedSpec,
      ...(isScaled ? { scale: scalar("float32") } : {}),
    },
    { donate: ["sums"], batch: ["batch"], recompute, ...definedOnly({ precision }) },
  );
  const apply = await compile(
    engine,
    applyProgram(options),
    { state, sums: sumSpecs, ...rateSpecs },
    { donate: ["state"], ...definedOnly({ precision }) },
  );
  const zeros = ({ shape, dtype }: TensorSpec): { spec: TensorSpec; data: HostArray } => {
    const spec = { shape, dtype };
    return { spec, data: hostArray(spec) };
  };
  const overProcesses = summing(distributed);
  let sums = (await engine.put({
    grads: Object.fromEntries(Object.entries(grads).map(([name, spec]) => [name, zeros(spec)])),
    loss: zeros(sumSpecs.loss),
    weight: zeros(sumSpecs.weight),
  } as never)) as Tree<DeviceTensor>;
  return {
    report: {
      ...add.report,
      flops: add.report.flops * own,
      compileMs: add.report.compileMs + apply.report.compileMs,
      plannedPeakBytes: Math.max(add.report.plannedPeakBytes, apply.report.plannedPeakBytes),
    },
    run: async ({ state: current, batch: whole, rates, known, seed, step }) => {
      for (let turn = 0; turn < own; turn++) {
        const part = distributed.rank * own + turn;
        const feeds = {
          sums,
          params: current.params,
          batch: partOf(whole, batch, part),
          part: Int32Array.of(turn),
          ...(isScaled ? { scale: current.scalars[options.gradients.lossScale!] } : {}),
          seed: Int32Array.of(seed, step * parts + part),
        };
        ({ sums } = (await add.run(feeds as never)) as { sums: Tree<DeviceTensor> });
      }
      const total = distributed.world === 1 ? sums : await overProcesses(sums);
      return (await apply.run({ state: current, sums: total, rates, known } as never)) as never;
    },
    [Symbol.asyncDispose]: async () => {
      for (const [, tensor] of deviceTensorsOf(sums)) tensor[Symbol.dispose]();
      await add[Symbol.asyncDispose]();
      await apply[Symbol.asyncDispose]();
    },
  };
}

/** Rows of one part; what a last part lacks is 0, its weights too. */
export function partOf(batch: Arrays, specs: Specs, part: number): Arrays {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const size = sizeOf(spec.shape);
      const rows = batch[name]!.subarray(part * size, (part + 1) * size);
      if (rows.length === size) return [name, rows];
      const padded = hostArray(spec);
      padded.set(rows);
      return [name, padded];
    }),
  );
}

/** `compile` for programs whose inputs are known only at run time. */
function compile(
  engine: IEngine,
  program: (inputs: never) => unknown,
  specs: unknown,
  options: Parameters<IEngine["compile"]>[2],
): Promise<IExecutable<Tree<tf.Tensor>, Tree<tf.Tensor>>> {
  return engine.compile(program as never, specs as never, options);
}
