import { join } from "node:path";
import { overlay, rawConfig, type RawConfig } from "@pipe/config";
import { PipeError } from "@pipe/core";
import { loadTokenizer } from "@pipe/data";
import { formatInteger } from "@pipe/monitor";
import { openRun, resolveCheckpoint } from "@pipe/persist";
import { checkSameTokens, loadExperiment, openTrainedModel, runTokens, tokenizerOptions } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { overlaid } from "../recipes.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { checkpointFlag, parseCommand, required } from "../usage.ts";
import { withParts } from "../with-parts.ts";

/** `pipe eval --run <run>`: all metrics of a checkpoint, by default the newest, on the whole validation split, of any text with `--set`. */
export async function evaluate(args: readonly string[], host: Host): Promise<number> {
  const { values } = parseCommand(
    args,
    { run: { type: "string" }, checkpoint: { type: "string" }, set: { type: "string", multiple: true } },
    0,
  );
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const run = await openRun(runPath(host, runsDir, required("--run", values.run)));
  const origin = { source: "recipe", name: join(run.path, "run.json") } as const;
  const checkpoint = checkpointFlag(values.checkpoint);
  const stored = rawConfig(run.info.config as RawConfig["raw"], origin);
  const { raw, origins } = overlaid(await withOwnTokens(stored, run.path, checkpoint), host, values.set);
  if (run.info.imported !== undefined && !("source" in ((raw["data"] ?? {}) as object))) {
    throw new PipeError("text-missing", "This run was imported, so it knows no text to measure its model on.", {
      where: run.path,
      fix: `name one: pipe eval --run ${values.run} --set 'data.source={kind: text, path: <file>}' --set data.split.by=tail`,
    });
  }
  const loaded = await loadExperiment(raw, { origins, from: host.cwd });
  const options = { host, runsDir, checkpoints: run.checkpoints };
  const report = await withParts(loaded, options, async (parts) => {
    const engine = await parts.get(runTokens.engine);
    const trained = await openTrainedModel(run.path, engine, checkpoint);
    checkSameTokens(trained.location, trained.tokenizer, (await parts.get(runTokens.tokenizer)).id);
    const evaluator = await parts.get(runTokens.evaluator);
    const validation = await parts.get(runTokens.validation);
    return evaluator.evaluate({ step: trained.step ?? 0, params: trained.params }, validation.batches());
  });
  if (values.json === true) host.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    host.stdout.write(`step ${formatInteger(report.step)}, measured on ${formatInteger(report.tokens)} tokens\n`);
    for (const [name, value] of Object.entries(report.metrics))
      host.stdout.write(`  ${name.padEnd(12)} ${value.toFixed(4)}\n`);
  }
  return 0;
}

/**
 * The configuration of a run with the characters that it learnt from its text: learnt again from another one, the same ids
 * would mean other characters.
 */
async function withOwnTokens(
  config: RawConfig,
  run: string,
  checkpoint: ReturnType<typeof checkpointFlag>,
): Promise<RawConfig> {
  const { tokenizer } = (config.raw["data"] ?? {}) as { readonly tokenizer?: { readonly kind?: string } };
  if (tokenizer?.kind !== "char") return config;
  const { location } = await resolveCheckpoint(run, checkpoint);
  const name = join(location, "tokenizer.json");
  const value = tokenizerOptions(await loadTokenizer(name));
  return overlay(config, [{ path: ["data", "tokenizer"], value, origin: { source: "recipe", name } }]);
}
