import { basename, dirname, resolve } from "node:path";
import { mkdir } from "node:fs/promises";
import { writeOnnx } from "@pipe/engine-onnx";
import { logitsProgram } from "@pipe/models";
import { exportHuggingFace, readTrainedModel, refuseExisting } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { checkpointFlag, parseCommand, required, usageError, wholeFlag } from "../usage.ts";

/** A run or folder, and which of its checkpoints. */
type From = { readonly path: string; readonly checkpoint: ReturnType<typeof checkpointFlag> };

/** What was written, for people and for programs. */
type Written = { readonly lines: readonly string[]; readonly report: { readonly [key: string]: unknown } };

/** `pipe export hf|onnx --run <run> --out <place>`: the weights of a checkpoint, by default the newest, for other tools. */
export async function exportModel(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    {
      run: { type: "string" },
      checkpoint: { type: "string" },
      out: { type: "string" },
      batch: { type: "string", default: "1" },
      length: { type: "string" },
    },
    1,
  );
  const [format = ""] = positionals;
  if (format !== "hf" && format !== "onnx") {
    throw usageError(`There is no export to ${JSON.stringify(format)}: write export hf or export onnx.`);
  }
  const path = runPath(host, runsDirOf(host, values["runs-dir"]), required("--run", values.run));
  const out = resolve(host.cwd, required("--out", values.out));
  const from = { path, checkpoint: checkpointFlag(values.checkpoint) };
  const { lines, report } = await (format === "hf"
    ? huggingFace(from, out)
    : onnx(from, out, wholeFlag("batch", values.batch, 1), values.length));
  if (values.json === true) host.stdout.write(`${JSON.stringify({ event: "model-exported", out, ...report })}\n`);
  else host.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

async function huggingFace({ path, checkpoint }: From, out: string): Promise<Written> {
  const { location } = await exportHuggingFace(path, out, checkpoint);
  const lines = [`wrote ${out}, from ${location}`, "", `in Python: AutoModelForCausalLM.from_pretrained("${out}")`];
  return { lines, report: { checkpoint: location } };
}

async function onnx({ path, checkpoint }: From, out: string, batch: number, lengthFlag?: string): Promise<Written> {
  refuseExisting(out);
  const { location, model, weights } = await readTrainedModel(path, checkpoint);
  const { positions, vocabulary } = model.options;
  const length = lengthFlag === undefined ? positions : wholeFlag("length", lengthFlag, 1);
  if (length > positions) throw usageError(`--length is at most the model's positions (${positions}).`);
  await mkdir(dirname(out), { recursive: true });
  const inputs = { input_ids: { shape: [batch, length], dtype: "int32" } } as const;
  const { files, bytes } = await writeOnnx(out, logitsProgram(model), { weights, inputs });
  const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const lines = [
    `wrote ${[out, ...files.slice(1).map((name) => `${name} beside it`)].join(" and ")}, ${size}, from ${location}`,
    "",
    `input  input_ids  int64 [${batch}, ${length}]; pad shorter texts on the right with any id`,
    `output logits     float32 [${batch}, ${length}, ${vocabulary}]`,
  ];
  return { lines, report: { files: files.map((name) => basename(name)), bytes, batch, length, checkpoint: location } };
}
