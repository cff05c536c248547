import { formatCount, formatDuration, formatInteger, formatLoss, formatMetrics } from "@pipe/monitor";
import { ModelCheckpointer } from "@pipe/persist";
import type { Host } from "../host.ts";
import { type PictureFlags, terminalCurves, writePictures } from "./pictures.ts";
import { figuresOf, readRun, type ReadRun, type RunFigures, statusOf } from "./run-figures.ts";
import { table } from "./table.ts";

/** `pipe runs show <run>`: its curves, its figures, and pictures of them. */
export async function showRun(path: string, host: Host, flags: PictureFlags): Promise<number> {
  const read = await readRun(path);
  const figures = figuresOf(read);
  const refs = await new ModelCheckpointer({ folder: read.run.checkpoints }).list();
  const checkpoints = refs.map(({ step }) => step);
  if (flags.json) {
    const { config, versions } = read.run.info;
    host.stdout.write(`${JSON.stringify({ ...figures, checkpoints, config, versions })}\n`);
  } else {
    host.stdout.write(`${read.name}: ${await statusOf(read, figures, host.now())}\n\n`);
    host.stdout.write(terminalCurves([read], host));
    host.stdout.write(table(rowsOf(read, figures, checkpoints), 2));
  }
  await writePictures([read], host, flags);
  return 0;
}

function rowsOf({ run, metrics }: ReadRun, figures: RunFigures, checkpoints: readonly number[]): string[][] {
  const { loss, best, parameters, tokens, seconds, tokensPerSecond, skipped } = figures;
  const { model } = run.info.config as { readonly model?: { readonly kind?: string } };
  const started = metrics.progress().run;
  const speed = tokensPerSecond === null ? "" : `, ${formatCount(tokensPerSecond)} tok/s`;
  const validation = formatMetrics(figures.metrics);
  return [
    ...(parameters === null ? [] : [["model", `${model?.kind ?? ""} with ${formatCount(parameters)} parameters`]]),
    ...(run.info.imported === undefined
      ? [
          [
            "engine",
            started === null ? `${run.info.engine} on ${run.info.device}` : `${started.engine} on ${started.device}`,
          ],
          ["trained", `${formatCount(tokens)} tokens in ${formatDuration(seconds)}${speed}`],
        ]
      : []),
    ...(skipped === 0 ? [] : [["skipped", `${formatInteger(skipped)} steps, whose update was refused`]]),
    ...(loss === null ? [] : [["training", `loss ${formatLoss(loss)} over the newest steps`]]),
    ...(validation === "" ? [] : [["validation", validation]]),
    ...(best === null
      ? []
      : [["best", `validation loss ${formatLoss(best.loss)} at step ${formatInteger(best.step)}`]]),
    ["checkpoints", checkpoints.map((step) => `step ${formatInteger(step)}`).join(" · ") || "none"],
    ["folder", run.path],
  ];
}
