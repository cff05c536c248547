// Prints the runs of a results.jsonl as a table. Bundled by pack.ts.
import { readFileSync } from "node:fs";
import { type GpuAbsence, type GpuRun, utilisation } from "./result.ts";

/** Steps at the beginning that do not count. */
const SKIPPED = 5;

const lines = readFileSync(process.argv[2] ?? "results.jsonl", "utf8").split("\n");
const all = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as GpuRun | GpuAbsence);
const runs = new Map<string, GpuRun[]>();
const absent = new Map<string, string>();
for (const each of all) {
  if ("absent" in each) {
    absent.set(each.contender, each.absent);
    continue;
  }
  const key = `${each.contender} ${each.precision}`;
  runs.set(key, [...(runs.get(key) ?? []), each]);
}
const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const [any] = [...runs.values()].flat();
if (any !== undefined) console.log(`GPT-2 ${any.size}, ${any.rows} rows of ${any.positions} tokens, ${any.device}`);
console.log("contender                tokens/s      MFU   peak GB   compile s   loss first → last   rounds");
for (const [key, group] of runs) {
  const [first] = group as [GpuRun];
  const time = middle(group.flatMap(({ times }) => times.slice(Math.min(SKIPPED, times.length - 1))));
  const mfu = utilisation(first, time);
  const figures = [
    `${Math.round((1000 * first.rows * first.positions) / time)}`.padStart(10),
    (mfu === undefined ? "?" : `${(100 * mfu).toFixed(1)} %`).padStart(8),
    (Math.max(...group.map(({ peakBytes }) => peakBytes)) / 1e9).toFixed(2).padStart(9),
    (middle(group.map(({ compileMs }) => compileMs)) / 1000).toFixed(1).padStart(11),
    `${first.losses[0]!.toFixed(4)} → ${first.losses.at(-1)!.toFixed(4)}`.padStart(19),
    `${group.length}`.padStart(8),
  ];
  console.log(key.padEnd(23) + figures.join(" "));
}
for (const [contender, why] of absent) console.log(`${contender.padEnd(23)} absent: ${why}`);
