// One round of an optimizer's update alone: prints times in ms and peak memory in MB as JSON.
import { type HostTensor, hostTensor, type Params, peakResidentBytes, sizeOf } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import * as tf from "@pipe/graph/tf";
import { GPT2Model } from "@pipe/models";
import { OptimizerFactory } from "@pipe/optim";
import { definitions } from "@pipe/optim/definitions";
import { sizes } from "../train/sizes.ts";

const [sizeName, config, count] = process.argv.slice(2);
const parameters = new GPT2Model(sizes[sizeName!]!).parameters();
const services = { has: () => true, get: async <T>(): Promise<T> => parameters as T };
const optimizer = await new OptimizerFactory(definitions).create(JSON.parse(config!), services);
const engine = await createOnnxEngine({ threads: 2 });

type Inputs = {
  readonly state: { readonly params: Params; readonly slots?: { readonly [slot: string]: Params } };
  readonly grads: Params;
  readonly rate: tf.Tensor;
  readonly count: tf.Tensor;
};
const program = ({ state: { params, slots = {} }, grads, rate, count: applied }: Inputs) => {
  const { slots: nextSlots, ...next } = optimizer.update({ params, grads, slots, rate, count: applied });
  const state = Object.keys(nextSlots).length === 0 ? next : { ...next, slots: nextSlots };
  // Something to wait for.
  return { state, done: tf.add(rate, 1) };
};
const fill = (value: number): { readonly [name: string]: HostTensor } =>
  Object.fromEntries(
    parameters.map(({ name, shape }) => [name, hostTensor(shape, new Float32Array(sizeOf(shape)).fill(value))]),
  );
const slots = optimizer.slots(parameters[0]!).map(({ name }) => [name, fill(0)] as const);
let state = await engine.put({
  params: fill(0.02),
  ...(slots.length === 0 ? {} : { slots: Object.fromEntries(slots) }),
});
const grads = await engine.put(fill(1e-3));
const specs = Object.fromEntries(parameters.map(({ name, shape, dtype }) => [name, { shape, dtype }]));
const step = await engine.compile(
  program,
  {
    state: {
      params: specs,
      ...(slots.length === 0 ? {} : { slots: Object.fromEntries(slots.map(([n]) => [n, specs])) }),
    },
    grads: specs,
    rate: { shape: [], dtype: "float32" },
    count: { shape: [], dtype: "int32" },
  } as never,
  { donate: ["state"] },
);
const times: number[] = [];
for (let i = 0; i < Number(count); i++) {
  const begin = performance.now();
  const inputs = { state, grads, rate: Float32Array.of(1e-4), count: Int32Array.of(i) };
  const outputs = (await step.run(inputs as never)) as unknown as { state: typeof state; done: (typeof grads)[string] };
  await outputs.done!.read();
  ({ state } = outputs);
  times.push(performance.now() - begin);
}
console.log(JSON.stringify({ times, memory: peakResidentBytes() / 2 ** 20 }));
await engine[Symbol.asyncDispose]();
