import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DeviceTensor,
  type HostTensor,
  hostTensor,
  sizeOf,
  type SlotSpec,
  type IEngine,
  type IOptimizer,
  type ParameterSpec,
  type Params,
  type Services,
} from "@pipe/core";
import { createOnnxEngine, lower } from "@pipe/engine-onnx";
import { trace } from "@pipe/graph";
import { choose } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { OptimizerFactory } from "@pipe/optim";
import { definitions } from "@pipe/optim/definitions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Flat = { readonly [name: string]: readonly number[] };
type Fixture = {
  readonly shapes: { readonly matrix: readonly number[]; readonly bias: readonly number[] };
  readonly initial: Flat;
  readonly rates: readonly number[];
  readonly gradients: readonly Flat[];
  readonly cases: {
    readonly [name: string]: {
      readonly config: { readonly kind: string };
      readonly params: Flat;
      readonly slots: { readonly [slot: string]: Flat };
    };
  };
};
/** Ten updates by PyTorch; bench/interop/make_optimizers.py makes it. */
const fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/parity/optimizers.json"), "utf8"),
) as Fixture;
const { shapes } = fixture;
const common = { dtype: "float32", init: { kind: "zeros" }, trainable: true } as const;
const parameters: readonly ParameterSpec[] = [
  { ...common, name: "matrix", shape: shapes.matrix, decay: true, block: "h.0" },
  { ...common, name: "bias", shape: shapes.bias, decay: false },
];
const services: Services = { has: () => true, get: async <T>(): Promise<T> => parameters as T };
const cases = Object.entries(fixture.cases);

type Inputs = {
  readonly state: { readonly params: Params; readonly slots?: { readonly [slot: string]: Params } };
  readonly grads: Params;
  readonly rate: tf.Tensor;
  readonly count: tf.Tensor;
  readonly accept: tf.Tensor;
};

type Outputs = { readonly state: Inputs["state"]; readonly norm: tf.Tensor };

/** An update as the training step has it: state that is replaced where the gradient is accepted. */
function programOf(optimizer: IOptimizer) {
  return ({ state: { params, slots = {} }, grads, rate, count, accept }: Inputs): Outputs => {
    const next = optimizer.update({ params, slots, grads, rate, count });
    const kept = (made: Params, old: Params): Params =>
      Object.fromEntries(Object.entries(old).map(([name, value]) => [name, choose(accept, made[name]!, value)]));
    const nextSlots = Object.entries(slots).map(([slot, old]) => [slot, kept(next.slots[slot]!, old)] as const);
    return {
      state: {
        params: kept(next.params, params),
        ...(nextSlots.length === 0 ? {} : { slots: Object.fromEntries(nextSlots) }),
      },
      norm: tf.sum(tf.square(grads["matrix"]!)),
    };
  };
}

type DeviceParams = { readonly [name: string]: DeviceTensor };
type DeviceState = { readonly params: DeviceParams; readonly slots?: { readonly [slot: string]: DeviceParams } };

const host = (values: Flat): { readonly [name: string]: HostTensor } =>
  Object.fromEntries(
    Object.entries(values).map(([name, data]) => [
      name,
      hostTensor(shapes[name as keyof typeof shapes], Float32Array.from(data)),
    ]),
  );
/** Slots by name and parameter: each has those that its optimizer gives it. */
function slotsOf<T>(
  optimizer: IOptimizer,
  of: (slot: SlotSpec) => T,
): { readonly [slot: string]: { readonly [name: string]: T } } {
  const slots: { [slot: string]: { [name: string]: T } } = {};
  for (const parameter of parameters)
    for (const slot of optimizer.slots(parameter)) (slots[slot.name] ??= {})[parameter.name] = of(slot);
  return slots;
}
const specsOf = (optimizer: IOptimizer) => {
  const tensors = { matrix: parameters[0]!, bias: parameters[1]! };
  const slots = slotsOf(optimizer, (slot) => slot);
  return {
    state: { params: tensors, ...(Object.keys(slots).length === 0 ? {} : { slots }) },
    grads: tensors,
    rate: { shape: [], dtype: "float32" },
    count: { shape: [], dtype: "int32" },
    accept: { shape: [], dtype: "bool" },
  } as const;
};

const make = (config: { readonly kind: string }): Promise<IOptimizer> =>
  new OptimizerFactory(definitions).create(config, services);

let engine: IEngine;
beforeAll(async () => {
  await tf.setBackend("cpu");
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(cases)("%s", (_, { config, params, slots }) => {
  it("ends ten steps where PyTorch does, on the engine and in place", async () => {
    const optimizer = await make(config);
    const specs = specsOf(optimizer);
    const step = await engine.compile(programOf(optimizer), specs as never, { donate: ["state"] });
    const fresh = slotsOf(optimizer, ({ shape }) => hostTensor(shape, new Float32Array(sizeOf(shape))));
    const names = Object.keys(fresh);
    expect(names.sort()).toEqual(Object.keys(slots).sort());
    let state = (await engine.put({
      params: host(fixture.initial),
      ...(names.length === 0 ? {} : { slots: fresh }),
    })) as DeviceState;
    for (const [count, rate] of fixture.rates.entries()) {
      const grads = await engine.put(host(fixture.gradients[count]!));
      const scalars = { rate: Float32Array.of(rate), count: Int32Array.of(count), accept: Uint8Array.of(1) };
      ({ state } = (await step.run({ state, grads, ...scalars } as never)) as unknown as { state: DeviceState });
    }
    const found = state as unknown as { params: typeof state.params; slots?: { [slot: string]: typeof state.params } };
    for (const [expected, tensors] of [
      [params, found.params],
      ...names.map((name) => [slots[name], found.slots?.[name]]),
    ]) {
      for (const [name, values] of Object.entries(expected as Flat)) {
        const got = await (tensors as typeof state.params)[name]!.read();
        values.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 5));
      }
    }
    await step[Symbol.asyncDispose]();
  });

  // What sums over a whole matrix, or multiplies it, comes before the pass.
  it.skipIf(["adafactor", "muon"].includes(config.kind))(
    "is one pass over memory for each parameter: all of its state is updated in place",
    async () => {
      const optimizer = await make(config);
      const graph = trace(programOf(optimizer), specsOf(optimizer) as never);
      const { outputs, updates } = lower(graph, { isDonated: (path) => path.startsWith("state/") });
      expect(updates).toHaveLength(parameters.length);
      const state = outputs.filter(({ path }) => path.startsWith("state/"));
      expect(state).toHaveLength(2 + 2 * Object.keys(slots).length);
      for (const { path, from } of state) expect([path, Object.keys(from)]).toEqual([path, ["update", "result"]]);
    },
  );
});
