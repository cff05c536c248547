// Where the time of one training step goes, by ONNX op: node --conditions=@pipe/source bench/train/profile.ts <size>
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostArray, type IModel, Random, type TensorSpec } from "@pipe/core";
import { lower } from "@pipe/engine-onnx";
import { trace } from "@pipe/graph";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, GradientProcessor } from "@pipe/optim";
import { stepProgram } from "@pipe/train";
import * as ort from "onnxruntime-node";
import { sizes } from "./sizes.ts";

const { rows, steps, ...size } = sizes[process.argv[2] ?? "m"]!;
const model = new GPT2Model(size);
const specOf = ({ shape, dtype }: TensorSpec): TensorSpec => ({ shape, dtype });
const params = Object.fromEntries(model.parameters().map((parameter) => [parameter.name, specOf(parameter)]));
const matrix: TensorSpec = { shape: [rows, size.positions], dtype: "int32" };
const program = stepProgram({
  model: model as unknown as IModel<{ readonly [name: string]: never }>,
  optimizer: new AdamWOptimizer(model.parameters()),
  gradients: new GradientProcessor({ clip: 1 }),
});
const graph = trace(
  program as never,
  {
    state: { params, slots: { m: params, v: params }, scalars: { applied: { shape: [], dtype: "int32" } } },
    batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
    rates: { shape: [3], dtype: "float32" },
    known: { shape: [], dtype: "int32" },
    seed: { shape: [2], dtype: "int32" },
  } as never,
);
const lowered = lower(graph, { isDonated: (path) => path.startsWith("state/") });
const folder = mkdtempSync(join(tmpdir(), "pipe-profile-"));
const session = await ort.InferenceSession.create(lowered.model, {
  intraOpNumThreads: 2,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
  enableMemPattern: false,
  enableProfiling: true,
  profileFilePrefix: join(folder, "profile"),
  extra: { session: { use_deterministic_compute: "1", set_denormal_as_zero: "1" } },
});
const random = new Random(1);
const feeds = Object.fromEntries(
  lowered.inputs.flatMap(({ path, name, spec }) => {
    if (name === undefined) return [];
    const data = hostArray(spec);
    if (path.includes("params/")) for (let i = 0; i < data.length; i++) data[i] = 0.02 * random.normal();
    if (path === "batch/ids" || path === "batch/targets")
      for (let i = 0; i < data.length; i++) data[i] = random.integer(size.vocabulary);
    if (path === "batch/weights" || path === "rates") data.fill(1);
    return [[name, new ort.Tensor(spec.dtype as "float32", data as Float32Array, spec.shape)]];
  }),
);
for (let i = 0; i < steps; i++) await session.run(feeds);
(session as unknown as { endProfiling(): void }).endProfiling();
type Entry = {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string; readonly output_type_shape?: unknown };
};
const file = readdirSync(folder)[0]!;
const entries = JSON.parse(readFileSync(join(folder, file), "utf8")) as Entry[];
rmSync(folder, { recursive: true });
const times = new Map<string, { ms: number; count: number }>();
for (const { cat, name, dur, args } of entries) {
  if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
  const op = (args?.op_name ?? name) + " " + JSON.stringify((args as any)?.input_type_shape?.map((x:any)=>Object.values(x)[0].join("x")));
  const entry = times.get(op) ?? { ms: 0, count: 0 };
  times.set(op, { ms: entry.ms + dur / 1000 / steps, count: entry.count + 1 / steps });
}
const total = [...times.values()].reduce((sum, { ms }) => sum + ms, 0);
console.log(`${process.argv[2] ?? "m"}: ${total.toFixed(1)} ms a step in kernels, ${graph.nodes.length} nodes traced`);
for (const [op, { ms, count }] of [...times].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 40)) {
  console.log(
    `${op.padEnd(70)} ${ms.toFixed(2).padStart(8)} ms  ${((100 * ms) / total).toFixed(1).padStart(5)} %  ${Math.round(count)} nodes`,
  );
}
