// Trains a tiny model for each tokenizer, gives it to transformers and takes it back: logits, tokens and text must be equal.
// usage: node --conditions=@pipe/source bench/interop/check-transformers.ts
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, type HostTensor, hostTensor, type Params } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { logitsProgram } from "@pipe/models";
import { resolveCheckpoint, writeSafetensors } from "@pipe/persist";
import { generatorOf, openTrainedModel } from "@pipe/pipeline";
import { run } from "@pipe/trainer";

const python = join(import.meta.dirname, "../.envs/transformers/bin/python");
const script = join(import.meta.dirname, "compare_transformers.py");
const folder = mkdtempSync(join(tmpdir(), "pipe-transformers-"));
const text = join(folder, "text.txt");
const engine = await createOnnxEngine({ threads: 2 });

/** Runs a command; stops with what it printed unless it succeeds. */
async function pipe(...args: readonly string[]): Promise<void> {
  let printed = "";
  const output = { write: (piece: string) => (printed += piece) };
  const host = { stdout: output, stderr: output, env: {}, cwd: folder, now: () => Date.now(), exit: () => undefined };
  const code = await run(args, { ...host, onInterrupt: () => ({ [Symbol.dispose]: () => undefined }) });
  if (code !== 0) throw new Error(`pipe ${args.join(" ")}\n${printed}`);
}

/** What our model of a run or folder says, in a file. */
async function reference(path: string): Promise<string> {
  const { model, tokenizer, params } = await openTrainedModel(path, engine);
  const [rows, length] = [2, model.options.positions];
  const tokens = Int32Array.from(tokenizer.encode(readFileSync(text, "utf8")));
  const spec = { shape: [rows, length], dtype: "int32" } as const;
  const program = logitsProgram(model);
  const executable = await engine.compile(
    ({ weights, ids }: { weights: Params; ids: Params[string] }) => program({ weights, inputs: { input_ids: ids } }),
    {
      weights: Object.fromEntries(Object.entries(params).map(([name, each]) => [name, each.spec])),
      ids: spec,
    } as never,
  );
  const ids = tokens.slice(0, rows * length);
  const { logits } = (await executable.run({ weights: params, ids } as never)) as {
    logits: { read(): Promise<Float32Array> };
  };
  const prompt = ids.slice(0, 4);
  const generator = generatorOf(
    { location: "", model, params, tokenizer: { ...tokenizer, ...numbers(prompt) } },
    engine,
  );
  const greedy = (await generator.generate(params, { prompt: "", tokens: 12, temperature: 0 })).trim().split(" ");
  const values: { readonly [name: string]: HostTensor } = {
    ids: hostTensor([rows, length], ids),
    logits: hostTensor([rows, length, model.options.vocabulary], await logits.read()),
    tokens: hostTensor([tokens.length], tokens),
    greedy: hostTensor([greedy.length], Int32Array.from(greedy, Number)),
  };
  const file = join(folder, "reference.safetensors");
  rmSync(file, { force: true });
  await writeSafetensors(
    file,
    Object.entries(values).map(([name, each]) => ({ name, spec: each.spec })),
    (async function* () {
      for (const [name, { data }] of Object.entries(values)) yield { name, bytes: bytesOf(data) };
    })(),
  );
  await executable[Symbol.asyncDispose]();
  return file;
}

/** A tokenizer that writes ids as numbers, goes on from the given ids and ends nowhere. */
function numbers(prompt: Int32Array) {
  const decoder = () => ({ push: (id: number) => `${id} `, end: () => "" });
  return { encode: () => Uint32Array.from(prompt), decoder, endOfText: -1 };
}

type Result = { difference: number; greedy?: boolean; tokens?: boolean; text?: boolean };
const theirs = (...args: readonly string[]): Result =>
  JSON.parse(execFileSync(python, [script, ...args], { encoding: "utf8", stdio: "pipe" })) as Result;

const words = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
writeFileSync(text, `${words.replaceAll("<|", "")}\nÄ 漢字 😀\u00a0 x  \n\n\tend`.repeat(3));
for (const tokenizer of ["byte", "char", "gpt"]) {
  const set = [
    `data.tokenizer.kind=${tokenizer}`,
    "data.split.by=tail",
    "data.sequenceLength=32",
    "model={kind: gpt2, positions: 48, width: 32, layers: 2, heads: 4, vocabularyMultiple: 64}",
    "training={steps: 20, batch: 8}",
  ];
  await pipe(
    "train",
    "quick",
    "--name",
    tokenizer,
    "--set",
    `data.source.path=${text}`,
    ...set.flatMap((each) => ["--set", each]),
    "--set",
    "indexing={}",
    "--set",
    "evaluation={every: 20, batches: 1}",
  );
  const { location } = await resolveCheckpoint(join(folder, "runs", tokenizer));
  const out = join(folder, `${tokenizer}-out`);
  const back = join(folder, `${tokenizer}-back`);
  await pipe("export", "hf", "--run", tokenizer, "--out", out);
  const ours = await reference(location);
  const checkpoint = theirs(location, ours, text);
  const exported = theirs(out, ours, text, back);
  await pipe("import", "hf", back);
  const returned = theirs(out, await reference(join(folder, "runs", `${tokenizer}-back`)), text);
  console.log(tokenizer, { checkpoint, exported, returned });
  for (const { difference, ...same } of [checkpoint, exported, returned]) {
    if (difference < 1e-4 && !Object.values(same).includes(false)) continue;
    process.exitCode = 1;
  }
}
await engine[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
