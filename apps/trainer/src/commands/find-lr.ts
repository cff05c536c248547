import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { cacheFolder } from "@pipe/engine-xla/plugins";
import type { LearningRateReport } from "@pipe/optim";
import { findLearningRate, loadExperiment } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { rateChart } from "../rate-chart.ts";
import { rateSvg } from "../rate-svg.ts";
import { findRecipe, overlaid } from "../recipes.ts";
import { runsDirOf } from "../run-paths.ts";
import { numberFlag, parseCommand, wholeFlag } from "../usage.ts";

/** `pipe find-lr [recipe]`: a range test from the recipe's initial weights; it makes no run and changes none. */
export async function findLr(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    {
      set: { type: "string", multiple: true },
      from: { type: "string", default: "1e-6" },
      to: { type: "string", default: "1" },
      steps: { type: "string", default: "100" },
      svg: { type: "string" },
    },
    1,
  );
  const { raw, origins } = overlaid(await findRecipe(positionals[0] ?? "quick", host.cwd), host, values.set);
  const { experiment, components } = await loadExperiment(raw, { origins, from: host.cwd });
  const steps = wholeFlag("steps", values.steps, 10);
  const json = values.json === true;
  const abort = new AbortController();
  const interrupts = host.onInterrupt(() => (abort.signal.aborted ? host.exit() : abort.abort()));
  let tried = 0;
  let report: LearningRateReport;
  try {
    report = await findLearningRate(experiment, {
      components,
      cache: join(runsDirOf(host, values["runs-dir"]), ".data"),
      cacheFolder: cacheFolder(host.env),
      from: numberFlag("from", values.from)!,
      to: numberFlag("to", values.to)!,
      steps,
      signal: abort.signal,
      onPoint: (point) => {
        tried++;
        if (json) host.stdout.write(`${JSON.stringify({ event: "rate-tried", ...point })}\n`);
        else if (host.stderr.isTTY === true) {
          host.stderr.write(`\r${tried}/${steps}  rate ${short(point.rate)}  loss ${point.loss.toFixed(3)}  `);
        }
      },
    });
  } finally {
    interrupts[Symbol.dispose]();
    if (!json && tried > 0 && host.stderr.isTTY === true) host.stderr.write("\r\u001b[K");
  }
  const { points, suggestion, by, ended } = report;
  const svg = values.svg === undefined ? undefined : resolve(host.cwd, values.svg);
  if (svg !== undefined) await writeFile(svg, rateSvg(report));
  if (json) {
    const found = { event: "rate-found", suggestion, by, ended, steps: points.length };
    host.stdout.write(`${JSON.stringify({ ...found, ...(svg === undefined ? {} : { svg }) })}\n`);
  } else {
    host.stdout.write(`${rateChart(report, { width: Math.min(host.stdout.columns ?? 80, 100) })}\n\n`);
    host.stdout.write(`${summary(report)}\n`);
    if (svg !== undefined) host.stdout.write(`curve: ${svg}\n`);
    host.stdout.write(
      `\nnow: pipe train ${positionals[0] ?? "quick"} --set optimization.schedule.rate=${short(suggestion)}\n`,
    );
  }
  return ended === "aborted" ? 130 : 0;
}

function summary({ points, suggestion, by, ended }: LearningRateReport): string {
  const reasons = {
    steepest: "where the loss falls fastest",
    lowest: "the loss falls nowhere clearly: a tenth of the rate of its lowest point, so take it with care",
  };
  const last = short(points.at(-1)!.rate);
  const ends = {
    completed: `the loss did not diverge up to ${last}`,
    diverged: `the loss diverges at ${last}`,
    aborted: `stopped at ${last}`,
  };
  return `suggestion: ${short(suggestion)} (${reasons[by]}); ${ends[ended]}`;
}

/** A rate with two digits, as a recipe would have it. */
function short(rate: number): string {
  return String(Number(rate.toPrecision(2)));
}
