import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { IEngine, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { createTfjsEngine } from "@pipe/engine-tfjs";
import { createXlaEngine } from "@pipe/engine-xla";
import { compositeNames, forwardContext, plainOps } from "@pipe/graph";
import * as ops from "@pipe/graph/ops";
import { opPrograms } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { describe, expect, it } from "vitest";
import { driver, useSoftwareGpu } from "./software-gpu.test.fixture.ts";

/** To renew it, with all services there: PIPE_UPDATE=1 pnpm vitest run --project tests op-table */
const file = join(import.meta.dirname, "../../docs/generated/ops.md");
const { PIPE_XLA_CPU: plugin, PIPE_TFJS_NODE: module } = process.env;
if (driver !== undefined) useSoftwareGpu();

const engines: { readonly [name: string]: (() => Promise<IEngine>) | undefined } = {
  onnx: () => createOnnxEngine({ threads: 1 }),
  "onnx webgpu": driver === undefined ? undefined : () => createOnnxEngine({ provider: "webgpu" }),
  xla: plugin === undefined ? undefined : () => createXlaEngine({ plugin, threads: 1 }),
  "tfjs cpu": () => createTfjsEngine(),
  "tfjs wasm": () => createTfjsEngine({ backend: "wasm" }),
  "tfjs node": module === undefined ? undefined : () => createTfjsEngine({ backend: "node", module }),
};

const matrix: TensorSpec = { shape: [4, 4], dtype: "float32" };
type Two = { readonly x: tf.Tensor; readonly y: tf.Tensor };
type Program = (inputs: Two) => { readonly z: tf.Tensor };

/** A program for each composite op. */
const composites: { readonly [op: string]: Program } = (() => {
  const seeded = () => forwardContext({ training: true, seed: tf.tensor1d([1, 2], "int32") });
  const flat = (): tf.Tensor => tf.tensor1d([0, 1, 2, 3], "int32");
  const heads = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [1, 1, 4, 4]);
  const one = (x: tf.Tensor): tf.Tensor => tf.reshape(tf.slice(x, [0, 0], [1, 4]), [1, 1, 1, 4]);
  const gradient =
    (f: (x: tf.Tensor) => tf.Tensor): Program =>
    ({ x }) => ({ z: tf.grad((v) => tf.sum(f(v)))(x) });
  const attention = (x: tf.Tensor): tf.Tensor => ops.causalAttention(heads(x), heads(x), heads(x), seeded());
  const crossEntropy = (x: tf.Tensor): tf.Tensor => ops.linearCrossEntropy(x, x, flat(), tf.ones([4])).lossSum;
  return {
    barrier: ({ x, y }) => ({ z: ops.barrier(x, [y]) }),
    causalAttention: ({ x }) => ({ z: attention(x) }),
    causalAttentionGradient: gradient(attention),
    choose: ({ x, y }) => ({ z: ops.choose(tf.greater(tf.sum(x), 0), x, y) }),
    dropout: ({ x }) => ({ z: ops.dropout(x, 0.5, seeded()) }),
    embedding: ({ x }) => ({ z: ops.embedding(x, tf.tensor2d([[0, 1, 2, 3]], [1, 4], "int32")) }),
    gelu: ({ x }) => ({ z: ops.gelu(x) }),
    layerNorm: ({ x }) => ({ z: ops.layerNorm(x, tf.ones([4]), tf.zeros([4])) }),
    linearCrossEntropy: ({ x }) => ({ z: crossEntropy(x) }),
    linearCrossEntropyWithGradients: gradient(crossEntropy),
    sparseCrossEntropy: ({ x }) => ({ z: ops.sparseCrossEntropy(x, flat()).loss }),
    updateSlice: ({ x }) => ({ z: ops.updateSlice(heads(x), one(x), tf.tensor1d([1], "int32")) }),
  };
})();

type Lowering = "native" | "composite" | "missing";

/** How an engine computes each op. */
async function columnOf(make: () => Promise<IEngine>): Promise<Map<string, Lowering>> {
  const engine = await make();
  const column = new Map<string, Lowering>();
  const programs: readonly (readonly [string, Program])[] = [
    ...Object.entries(opPrograms).map(([op, f]): [string, Program] => [op, ({ x, y }) => ({ z: f(x, y) })]),
    ...Object.entries(composites),
  ];
  for (const [op, program] of programs) {
    try {
      const executable = await engine.compile(program, { x: matrix, y: matrix } as never);
      const found = executable.report.ops[op];
      if (found !== undefined) column.set(op, found.lowering);
      await executable[Symbol.asyncDispose]();
    } catch (error) {
      if (!PipeError.is(error, "unsupported-op")) throw error;
      column.set(op, "missing");
    }
  }
  await engine[Symbol.asyncDispose]();
  return column;
}

const columns = new Map<string, Map<string, Lowering>>();
for (const [name, make] of Object.entries(engines)) if (make !== undefined) columns.set(name, await columnOf(make));
const rows = [...plainOps.keys()]
  .filter((op) => op !== "Identity")
  .sort()
  .concat(Object.keys(composites).sort());

if (process.env["PIPE_UPDATE"] === "1" && columns.size === Object.keys(engines).length) {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const names = Object.keys(engines);
  const table = rows.map((op) => line([`\`${op}\``, ...names.map((name) => columns.get(name)!.get(op) ?? "–")]));
  const text = `# Ops and engines

How each op of a traced program is computed: by the engine's own op or kernel (native), or composed of others (composite).
Plain ops have the names of tfjs's kernels; those below them, from \`barrier\` on, are of \`@pipe/graph/ops\`.
Every engine passes one contract suite over all of them, \`engineContract\` of \`@pipe/graph/testing\`. A test writes this table.

${[line(["op", ...names]), line(["op", ...names].map(() => "---")), ...table].join("\n")}
`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

describe("docs/generated/ops.md", () => {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((each) => each.startsWith("| "));
  const cells = lines.map((each) =>
    each
      .slice(2, -2)
      .split(" | ")
      .map((cell) => cell.trim()),
  );
  const [head, , ...body] = cells as [string[], string[], ...string[][]];

  it("lists every op", () => {
    expect(body.map(([op]) => op)).toEqual(rows.map((op) => `\`${op}\``));
  });

  it.each([...columns])("is right about %s", (name, column) => {
    const place = head.indexOf(name);
    expect(body.map((row) => [row[0], row[place]])).toEqual(rows.map((op) => [`\`${op}\``, column.get(op) ?? "–"]));
    expect([...column.values()]).not.toContain("missing");
  });

  it("has a program for every composite op that engines meet", () => {
    expect(compositeNames().filter((op) => !(op in composites))).toEqual([]);
  });
});
