import type { HostArray, TensorSpec } from "@pipe/core";
import { hostArray } from "@pipe/core";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { ProgramPlan, RunInput, Source } from "./protocol.ts";
import { runInPlace } from "./run-in-place.ts";
import type { TensorStore } from "./tensor-store.ts";
import { UpdateMemory } from "./in-place/update-memory.ts";
import type { Runtime } from "./sessions.ts";

/** A program in the session host: ONNX Runtime computes, then updates replace state in place. */
export class HostProgram {
  readonly #runtime: Runtime;
  /** None where all is done in place. */
  readonly session: InferenceSession | undefined;
  readonly #plan: Omit<ProgramPlan, "model" | "module">;
  readonly #updates: UpdateMemory;
  /** Parameters are the same arrays run after run: making hundreds of tensors of them takes milliseconds. */
  readonly #tensors = new WeakMap<HostArray, Tensor>();
  /** Fetches that only updates read. */
  readonly #inner: ReadonlyMap<number, HostArray>;

  constructor(runtime: Runtime, session: InferenceSession | undefined, { model: _, module, ...plan }: ProgramPlan) {
    this.#runtime = runtime;
    this.session = session;
    this.#plan = plan;
    this.#updates = new UpdateMemory({ module, updates: plan.updates });
    const outer = new Set(plan.outputs.flatMap(({ from }) => ("fetch" in from ? [from.fetch] : [])));
    this.#inner = new Map(
      plan.fetches.flatMap(({ spec }, fetch): [number, HostArray][] => {
        const placed = this.#updates.fetches.get(fetch);
        if (placed !== undefined) return [[fetch, placed]];
        return outer.has(fetch) ? [] : [[fetch, hostArray(spec)]];
      }),
    );
  }

  /** Bytes that belong to it alone. */
  get byteLength(): number {
    return this.#updates.byteLength;
  }

  /** Runs it and stores its outputs under these numbers. Donated tensors are left to the caller to free. */
  async run(
    store: TensorStore,
    inputs: readonly RunInput[],
    outputs: readonly number[],
    donated: ReadonlySet<number>,
  ): Promise<readonly HostArray[]> {
    const { homes } = this.#updates;
    for (const [input, home] of homes) {
      const source = inputs[input]!;
      store.settle(home, source, "tensor" in source && donated.has(source.tensor));
    }
    const inputData = (input: number): HostArray => {
      const given = inputs[input]!;
      return homes.get(input)?.data ?? ("data" in given ? given.data : store.data(given.tensor));
    };
    const feeds: { [name: string]: Tensor } = {};
    this.#plan.inputs.forEach(({ name, spec }, i) => {
      if (name !== undefined) feeds[name] = this.#tensor(spec, inputData(i));
    });
    const fetched = this.#plan.fetches.map(({ spec }, fetch) => this.#inner.get(fetch) ?? store.take(spec));
    const fetches = Object.fromEntries(
      this.#plan.fetches.map(({ name, spec }, i) => [name, this.#tensor(spec, fetched[i]!)]),
    );
    if (this.session !== undefined) await runInPlace(this.session, feeds, fetches);
    const valueOf = (source: Source): HostArray =>
      "fetch" in source ? fetched[source.fetch]! : inputData(source.input);
    this.#updates.run(valueOf);
    for (const { input, rows, positions, shape } of this.#plan.writes) {
      writeRows(inputData(input) as Float32Array, valueOf(rows) as Float32Array, valueOf(positions), shape);
    }
    // An array is handed out once: a second output of the same value gets a copy, as does one that stays here.
    const handedOut = new Set(this.#inner.keys());
    return this.#plan.outputs.map(({ from }, i) => {
      const number = outputs[i]!;
      if ("update" in from) store.setAtHome(number, this.#updates.home(from.update, from.result));
      else if ("fetch" in from) {
        store.set(number, handedOut.has(from.fetch) ? fetched[from.fetch]!.slice() : fetched[from.fetch]!);
        handedOut.add(from.fetch);
      } else keep(store, inputs[from.input]!, number, donated);
      return store.data(number);
    });
  }

  #tensor({ shape, dtype }: TensorSpec, data: HostArray): Tensor {
    // A program reads an array always with the same shape.
    let tensor = this.#tensors.get(data);
    if (tensor === undefined) {
      tensor = new this.#runtime.Tensor(dtype as "float32", data as Float32Array, shape);
      this.#tensors.set(data, tensor);
    }
    return tensor;
  }
}

/** Writes rows [B, H, 1, D] into a cache [B, H, S, D] at positions [B]. */
function writeRows(cache: Float32Array, rows: Float32Array, positions: HostArray, shape: readonly number[]): void {
  const [batch, heads, capacity, size] = shape as [number, number, number, number];
  for (let row = 0; row < batch; row++) {
    for (let head = 0; head < heads; head++) {
      const from = (row * heads + head) * size;
      const to = ((row * heads + head) * capacity + positions[row]!) * size;
      cache.set(rows.subarray(from, from + size), to);
    }
  }
}

/** Hands an input out as an output: as it is where the run consumes it, else as a copy. */
function keep(store: TensorStore, input: RunInput, output: number, donated: ReadonlySet<number>): void {
  if ("data" in input) store.set(output, input.data);
  else if (donated.has(input.tensor)) store.rename(input.tensor, output);
  else store.copy(input.tensor, output);
}
