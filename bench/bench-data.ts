import { existsSync } from "node:fs";
import { join } from "node:path";

/** A folder of the data that benches read, in `PIPE_BENCH_DATA`. @throws Error that says what is missing. */
export function benchData(name: string): string {
  const home = process.env["PIPE_BENCH_DATA"];
  if (home === undefined) throw new Error("Set PIPE_BENCH_DATA to the folder with the benches' data.");
  const folder = join(home, name);
  if (!existsSync(folder)) throw new Error(`The data for this bench is absent: ${folder}`);
  return folder;
}
