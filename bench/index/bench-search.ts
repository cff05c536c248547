import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastJson } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";
import { exactNeighbours } from "./exact-neighbours.ts";
import { folderBytes } from "./folder-bytes.ts";

const queries = 200;
const here = import.meta.dirname;
const peers = ["lancedb", "zvec"] as const;

type Built = { readonly rate: number; readonly memory: number; readonly words?: number; readonly vectors?: number };
type Searched = {
  readonly times: { readonly [mode: string]: readonly number[] };
  /** From opening to the first answer. */
  readonly cold: number;
  readonly recall: number;
  readonly memory: number;
};

/**
 * Search in 100,000 passages (`size` names another number) of 100 words with 384 dimensions: milliseconds of a hybrid
 * search without the embedding of the query, and what the index takes on the disk, beside LanceDB and zvec with the same
 * texts and vectors.
 */
export async function benchSearch({ size, rounds }: BenchOptions): Promise<BenchResult> {
  const passages = Number(size) || 100_000;
  const home = mkdtempSync(join(tmpdir(), "pipe-bench-search-"));
  try {
    const exact = join(home, "exact.json");
    writeFileSync(exact, JSON.stringify(exactNeighbours(passages, queries)));
    const run = <T>(script: string, ...args: readonly string[]): T =>
      lastJson<T>(process.execPath, ["--conditions=@pipe/source", join(here, script), ...args]);
    console.log(`search, ${passages} passages, ${machine()}, ${rounds} rounds of ${queries} queries`);
    const raw: { [contender: string]: number[][] } = {};
    const present = peers.filter((name) => existsSync(join(here, "../.envs", name)));
    for (const name of peers) if (!present.includes(name)) console.log(`${name}: absent`);
    const contenders = ["ours", ...present];
    for (const contender of contenders) {
      const folder = join(home, contender);
      const built = run<Built>(`search-${contender}.ts`, "build", String(passages), folder);
      const disk = folderBytes(folder) / 2 ** 20;
      raw[`${contender} disk, MB`] = [[hundredths(disk)]];
      console.log(
        `${contender}: ${Math.round(built.rate)} passages a second, ${Math.round(built.memory)} MB while building, ${Math.round(disk)} MB on the disk`,
      );
    }
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) {
        const folder = join(home, contender);
        const found = run<Searched>(
          `search-${contender}.ts`,
          "search",
          String(passages),
          folder,
          String(queries),
          exact,
        );
        for (const [mode, times] of Object.entries(found.times)) {
          (raw[`${contender} ${mode}`] ??= []).push(times.map(hundredths));
          console.log(`${contender} ${mode}: p50 ${share(times, 0.5)} ms, p95 ${share(times, 0.95)} ms`);
        }
        const { cold, recall, memory } = found;
        console.log(
          `${contender}: first answer ${Math.round(cold)} ms after opening, recall@10 ${recall.toFixed(3)}, ${Math.round(memory)} MB`,
        );
      }
    }
    const ours = median(raw["ours hybrid"]!.flat());
    const theirs: { [peer: string]: number | "absent" } = {};
    const ratio: { [peer: string]: number | "absent" } = {};
    for (const name of peers) {
      const times = raw[`${name} hybrid`];
      theirs[name] = times === undefined ? "absent" : median(times.flat());
      ratio[name] = theirs[name] === "absent" ? "absent" : hundredths(theirs[name] / ours);
    }
    return {
      ...resultHead("search", String(passages), "ms"),
      ours,
      theirs,
      ratio,
      raw,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function share(times: readonly number[], part: number): string {
  return times.toSorted((a, b) => a - b)[Math.floor(part * (times.length - 1))]!.toFixed(1);
}
