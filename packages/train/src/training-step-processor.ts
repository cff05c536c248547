import type {
  DeviceTensor,
  HostArray,
  HostTensor,
  IEngine,
  ISchedule,
  ISnapshot,
  ModelState,
  ParameterSpec,
  PutOptions,
  SnapshotTensor,
  TensorSpec,
} from "@pipe/core";
import { arrayFromBytes, formatSpec, PipeError, specsOf } from "@pipe/core";
import type { NonFinite } from "@pipe/graph";
import type { DistributedContext } from "./distributed/distributed-context.ts";
import { findNonFinite } from "./find-non-finite.ts";
import { compileStep, type StepExecutable } from "./step-executable.ts";
import type { StepParts } from "./step-program.ts";
import { freshState, putState, stateTree } from "./step-state.ts";

/** What a step is made of, and where it runs. */
export type TrainingStepOptions<B> = StepParts<B> & {
  readonly engine: IEngine;
  readonly schedule: ISchedule;
  /** Specs of the batch, keyed as the model reads it; the first size is the rows. */
  readonly batch: { readonly [name: string]: TensorSpec };
  /**
   * Parts that the rows of a batch are split into, whose gradients are added up before the update: the same result with a
   * fraction of the memory. Default 1.
   */
  readonly accumulate?: number;
  /** Arithmetic of the matrix products of a step; default what the engine takes. */
  readonly precision?: "fp32" | "bf16" | "fp16";
  /**
   * Processes that train together: each computes the gradients of its share of the rows (`accumulate` counts the parts of
   * one process), and all make the same update. Default this one alone.
   */
  readonly distributed?: DistributedContext;
  /** Seed of dropout in [0, 2²⁴). */
  readonly seed: number;
  /** Blocks whose activations are computed again in the backward pass, as `CompileOptions.recompute` has them. Default none. */
  readonly recompute?: readonly string[];
};

/** What one step measured. */
export type StepFigures = {
  readonly step: number;
  readonly applied: number;
  readonly loss: number;
  readonly norm: number;
  readonly accepted: boolean;
  readonly rate: number;
  readonly weight: number;
};

type Pending = { readonly step: number; readonly figures: DeviceTensor; readonly applied: DeviceTensor };

/**
 * Builds, compiles and runs one optimizer step, and owns the state on the device.
 *
 * Figures are read one step late, so that the device never waits for the host.
 */
export class TrainingStepProcessor<B = { readonly [name: string]: never }> {
  readonly #options: TrainingStepOptions<B>;
  readonly #parameters: readonly ParameterSpec[];
  readonly #executable: StepExecutable;
  #state: ModelState;
  #known = 0;
  #pending: Pending | undefined;
  #last: StepFigures | undefined;

  private constructor(
    options: TrainingStepOptions<B>,
    parameters: readonly ParameterSpec[],
    executable: StepExecutable,
    state: ModelState,
  ) {
    this.#options = options;
    this.#parameters = parameters;
    this.#executable = executable;
    this.#state = state;
  }

  /**
   * Compiles the step and brings fresh state with these parameter values to the device; with `transfer` the arrays are handed
   * over. @throws PipeError `parameter-mismatch`, `nothing-trainable`, `accumulate-invalid`.
   */
  static async create<B>(
    options: TrainingStepOptions<B>,
    initial: { readonly [name: string]: HostTensor },
    put: PutOptions = {},
  ): Promise<TrainingStepProcessor<B>> {
    const parameters = options.model.parameters();
    if (!parameters.some(({ trainable }) => trainable)) {
      throw new PipeError("nothing-trainable", "The model has no parameter that may be trained.", {
        got: parameters.map(({ name }) => name).join(", "),
      });
    }
    const start = freshState(options, parameters, initial);
    const specs = stateTree(specsOf(start));
    const executable = await compileStep(options, specs);
    const state = { step: 0, ...stateTree(await putState(options.engine, start, put)) };
    return new TrainingStepProcessor(options, parameters, executable, state);
  }

  /** The state after the last step; borrowed, and consumed by the next step. */
  get state(): ModelState {
    return this.#state;
  }

  get parameters(): readonly ParameterSpec[] {
    return this.#parameters;
  }

  /** What compilation did. */
  get report(): StepExecutable["report"] {
    return this.#executable.report;
  }

  /**
   * Queues one step and returns the figures of the step before it, if that was not read yet.
   * @throws PipeError `rate-invalid`, as {@link drain}, after an update whose rate was NaN or infinite.
   */
  async run(batch: { readonly [name: string]: HostArray }): Promise<StepFigures | undefined> {
    const { schedule, seed } = this.#options;
    const { step, params, slots, scalars } = this.#state;
    const rates = Float32Array.of(...[0, 1, 2].map((ahead) => schedule.rate(this.#known + ahead)));
    const outputs = await this.#executable.run({
      state: { params, slots, scalars },
      batch,
      rates,
      known: Int32Array.of(this.#known),
      seed,
      step,
    });
    const before = this.#pending;
    this.#state = { step: step + 1, ...outputs.state, slots: outputs.state.slots ?? {} };
    this.#pending = { step: step + 1, figures: outputs.figures, applied: outputs.applied };
    return before === undefined ? undefined : checkRate(await this.#read(before));
  }

  /** Reads the figures of the last step; afterwards none is in flight. */
  async drain(): Promise<StepFigures | undefined> {
    const figures = await this.#settle();
    return figures === undefined ? undefined : checkRate(figures);
  }

  async #settle(): Promise<StepFigures | undefined> {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending === undefined ? this.#last : this.#read(pending);
  }

  /**
   * Computes the gradients of a batch again, with the present parameters and the masks of a step (from 0), and finds the
   * first value that is not finite.
   */
  findNonFinite(arrays: { readonly [name: string]: HostArray }, step: number): Promise<NonFinite | undefined> {
    return findNonFinite({ ...this.#options, params: this.#state.params, arrays, step });
  }

  /** A stable copy of the state, with the paths `params/…`, `slots/…`, `scalars/…`. */
  snapshot(): Promise<ISnapshot> {
    const { params, slots, scalars } = this.#state;
    return this.#options.engine.snapshot({ params, slots, scalars });
  }

  /**
   * Replaces the whole state by stored tensors.
   * @throws PipeError `state-mismatch` where names or shapes differ from this model's; the state stays as it was.
   */
  async load(step: number, tensors: AsyncIterable<SnapshotTensor>): Promise<void> {
    const expected = this.#specs();
    const stored: { [path: string]: HostTensor } = {};
    for await (const { path, spec, bytes } of tensors) {
      const wanted = expected.get(path);
      if (wanted === undefined || formatSpec(wanted) !== formatSpec(spec)) {
        throw mismatch(wanted === undefined ? "no such tensor" : formatSpec(wanted), `${path} ${formatSpec(spec)}`);
      }
      stored[path] = { spec, data: arrayFromBytes(bytes, spec, path) };
    }
    const missing = [...expected.keys()].filter((path) => !(path in stored));
    if (missing.length > 0) throw mismatch(missing.slice(0, 3).join(", "), `${missing.length} tensors less`);
    await this.#settle();
    const uploaded = await putState(this.#options.engine, stored);
    for (const tensor of this.#tensors().values()) tensor[Symbol.dispose]();
    this.#state = { step, ...stateTree(uploaded) };
    this.#known = (stored["scalars/applied"]!.data as Int32Array)[0]!;
    this.#last = undefined;
  }

  /** Frees the program and hands the state over, which is then the caller's to dispose of. */
  async release(): Promise<ModelState> {
    await this.#settle();
    await this.#executable[Symbol.asyncDispose]();
    return this.#state;
  }

  /** Frees state and program. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
    for (const tensor of this.#tensors().values()) tensor[Symbol.dispose]();
  }

  async #read({ step, figures, applied }: Pending): Promise<StepFigures> {
    const [values, count] = await Promise.all([figures.read(), applied.read()]);
    figures[Symbol.dispose]();
    applied[Symbol.dispose]();
    const [loss, norm, accepted, rate, weight] = values as unknown as [number, number, number, number, number];
    this.#known = count[0]!;
    this.#last = { step, applied: count[0]!, loss, norm, accepted: accepted === 1, rate, weight };
    return this.#last;
  }

  #tensors(): Map<string, DeviceTensor> {
    const { params, slots, scalars } = this.#state;
    const each = Object.entries(slots).flatMap(([slot, tensors]) =>
      Object.entries(tensors).map(([name, tensor]): [string, DeviceTensor] => [`slots/${slot}/${name}`, tensor]),
    );
    return new Map([
      ...Object.entries(params).map(([name, tensor]): [string, DeviceTensor] => [`params/${name}`, tensor]),
      ...each,
      ...Object.entries(scalars).map(([name, tensor]): [string, DeviceTensor] => [`scalars/${name}`, tensor]),
    ]);
  }

  #specs(): Map<string, TensorSpec> {
    return new Map([...this.#tensors()].map(([path, { spec }]) => [path, spec]));
  }
}

/** Rates ahead of the updates may be anything, as nothing asks for them after the end: only one that was used is looked at. */
function checkRate(figures: StepFigures): StepFigures {
  const { rate, step, applied, accepted } = figures;
  if (Number.isFinite(rate)) return figures;
  throw new PipeError("rate-invalid", "The schedule gave a learning rate that no update can be made with.", {
    expected: "a finite number",
    got: String(rate),
    where: `step ${step}: rate(${accepted ? applied - 1 : applied})`,
    fix: "correct the schedule; the newest checkpoint was saved before this step",
  });
}

function mismatch(expected: string, got: string): PipeError {
  return new PipeError("state-mismatch", "The stored state does not belong to this model and optimizer.", {
    expected,
    got,
    fix: "resume with the configuration that the run was started with, or start a new run",
  });
}
