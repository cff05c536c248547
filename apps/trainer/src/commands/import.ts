import { basename, resolve } from "node:path";
import { sizeOf } from "@pipe/core";
import { formatCount } from "@pipe/monitor";
import { importHuggingFace } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { LANGUAGE_MODEL_FILES, modelFolder } from "../model-folder.ts";
import { runsDirOf } from "../run-paths.ts";
import { parseCommand, required, usageError } from "../usage.ts";
import { versions } from "../versions.ts";

/** `pipe import hf <folder or owner/name> --name <run>`: makes a run of a model that transformers saved, or of one of the hub. */
export async function importModel(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, { name: { type: "string" } }, 2);
  const [format, given] = positionals;
  if (format !== "hf") throw usageError(`There is no import from ${JSON.stringify(format ?? "")}: write import hf.`);
  const model = required("The model", given);
  const folder = await modelFolder(host, model, (file) => LANGUAGE_MODEL_FILES.test(file));
  const name = values.name ?? basename(resolve(host.cwd, model));
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const { run, stored } = await importHuggingFace({ folder, runsDir, name, versions: versions() });
  const parameters = stored.model.parameters().reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (values.json === true) {
    host.stdout.write(`${JSON.stringify({ event: "model-imported", run: name, path: run.path, parameters })}\n`);
    return 0;
  }
  host.stdout.write(
    `${name}: ${formatCount(parameters)} parameters, tokenizer ${stored.tokenizer.id}, in ${run.path}\n\n` +
      `now: pipe generate --run ${name} --prompt "…"\n` +
      `or:  pipe train finetune --set model.from=${run.path} --set data.source.path=<text>\n`,
  );
  return 0;
}
