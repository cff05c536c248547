import { join } from "node:path";
import type { IEngine } from "@pipe/core";
import { EventBus } from "@pipe/monitor";
import { openRun } from "@pipe/persist";
import { compose, loadExperiment, openTrainedModel, type RunServices } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { parseCommand, required } from "../usage.ts";

/** `pipe eval --run <run>`: all metrics of the newest checkpoint on the whole validation split. */
export async function evaluate(args: readonly string[], host: Host): Promise<number> {
  const { values } = parseCommand(args, { run: { type: "string" } }, 0);
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const run = await openRun(runPath(host, runsDir, required("--run", values.run)));
  const raw = run.info.config as { readonly [key: string]: unknown };
  const { experiment, components } = await loadExperiment(raw, { origin: join(run.path, "run.json") });
  const container = compose(experiment, {
    components,
    events: new EventBus(),
    checkpoints: run.checkpoints,
    cache: join(runsDir, ".data"),
    signal: new AbortController().signal,
  });
  try {
    const engine = await container.get<IEngine>("engine");
    const trained = await openTrainedModel(run.path, engine);
    const evaluator = await container.get<RunServices["evaluator"]>("evaluator");
    const validation = await container.get<RunServices["validation"]>("validation");
    const state = { step: trained.step ?? 0, params: trained.params };
    const report = await evaluator.evaluate(state, validation.batches());
    if (values.json === true) host.stdout.write(`${JSON.stringify(report)}\n`);
    else {
      host.stdout.write(`step ${report.step}, ${report.tokens.toLocaleString("en")} targets\n`);
      for (const [name, value] of Object.entries(report.metrics))
        host.stdout.write(`  ${name.padEnd(12)} ${value.toFixed(4)}\n`);
    }
    return 0;
  } finally {
    await container[Symbol.asyncDispose]();
  }
}
