import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PostgresVectorStore } from "@pipe/indexer";
import pg from "pg";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";
import { exactNeighbours } from "./exact-neighbours.ts";
import { SyntheticCorpus } from "./synthetic.ts";

/** It has no declarations. */
const services = "../../tools/services.mjs";
const queries = 100;
const batch = 1_000;
/** PostgreSQL refuses to run as root; this is `nobody`. */
const nobody = 65_534;

/** What was measured at one number of vectors. */
type Measured = {
  readonly vectors: number;
  readonly insert: number;
  readonly index: number;
  readonly p50: number;
  readonly p95: number;
  readonly recall: number;
  readonly megabytes: number;
};

/**
 * Vectors of 384 dimensions in PostgreSQL with pgvector, 100,000 (`size` names another number) and an eighth, a quarter and a half of it:
 * seconds to store and to index them, milliseconds of a search; and what follows for 1,000,000, by the line through the logarithms.
 */
export async function benchPgvector({ size }: BenchOptions): Promise<BenchResult> {
  const { foundServices } = (await import(services)) as { foundServices(): { readonly [variable: string]: string } };
  const postgres = foundServices()["PIPE_POSTGRES"];
  if (postgres === undefined) throw new Error("PostgreSQL with pgvector is absent: node tools/services.mjs install");
  const most = Number(size) || 100_000;
  const server = startServer(postgres);
  try {
    console.log(`pgvector, ${machine()}, ${queries} queries; maintenance_work_mem 1 GB`);
    console.log("vectors  store, s  index, s  p50, ms  p95, ms  recall@10  MB");
    const measured: Measured[] = [];
    for (const part of [8, 4, 2, 1]) {
      const found = await measure(server.connection, Math.round(most / part));
      measured.push(found);
      console.log(lineOf(found));
    }
    const million = extrapolate(measured, 1_000_000);
    console.log(`${lineOf(million)}  (extrapolated)`);
    return {
      ...resultHead("pgvector", String(most), "ms"),
      ours: hundredths(measured.at(-1)!.p50),
      theirs: {},
      ratio: {},
      raw: Object.fromEntries(
        [...measured, million].map(({ vectors, ...figures }) => [
          String(vectors),
          [Object.values(figures).map(hundredths)],
        ]),
      ),
    };
  } finally {
    server.stop();
  }
}

async function measure(connection: string, vectors: number): Promise<Measured> {
  const corpus = new SyntheticCorpus();
  const space = { id: `synthetic-${vectors}`, dimensions: corpus.dimensions };
  const store = new PostgresVectorStore({ connection, schema: `bench_${vectors}` });
  try {
    let insert = 0;
    for (let first = 0; first < vectors; first += batch) {
      const rows = Array.from({ length: Math.min(batch, vectors - first) }, (_, at) => {
        return { key: first + at + 1, vector: corpus.vector(first + at) };
      });
      const begin = performance.now();
      await store.apply(space, { rows, removed: [], rebuild: first === 0 ? "first" : "further" });
      insert += performance.now() - begin;
    }
    const begin = performance.now();
    await store.apply(space, { rows: [], removed: [], sequence: 1, rebuild: "further" });
    const index = performance.now() - begin;
    const exact = exactNeighbours(vectors, queries);
    const times: number[] = [];
    let right = 0;
    for (let number = 0; number < queries; number++) {
      const { vector } = corpus.query(number, vectors);
      const asked = performance.now();
      const found = await store.search(space, vector, 10);
      times.push(performance.now() - asked);
      const keys = new Set(found.map(({ key }) => key - 1));
      right += exact[number]!.filter((each) => keys.has(each)).length;
    }
    return {
      vectors,
      insert: insert / 1_000,
      index: index / 1_000,
      p50: median(times),
      p95: times.toSorted((a, b) => a - b)[Math.floor(0.95 * (queries - 1))]!,
      recall: right / (10 * queries),
      megabytes: await megabytesOf(connection, `bench_${vectors}`),
    };
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

async function megabytesOf(connection: string, schema: string): Promise<number> {
  const client = new pg.Client({ connectionString: connection });
  await client.connect();
  const { rows } = await client.query(
    "SELECT sum(pg_total_relation_size(c.oid))::float8 AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'",
    [schema],
  );
  await client.end();
  return rows[0].bytes / 2 ** 20;
}

/** The line of least squares through the logarithms of numbers and figures; recall stays what it was last. */
function extrapolate(measured: readonly Measured[], vectors: number): Measured {
  const of = (figure: "insert" | "index" | "p50" | "p95" | "megabytes"): number => {
    const points = measured.map((each) => [Math.log(each.vectors), Math.log(each[figure])] as const);
    const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
    const [x, y] = [mean(0), mean(1)];
    const slope =
      points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
    return Math.exp(y + slope * (Math.log(vectors) - x));
  };
  return {
    vectors,
    insert: of("insert"),
    index: of("index"),
    p50: of("p50"),
    p95: of("p95"),
    recall: measured.at(-1)!.recall,
    megabytes: of("megabytes"),
  };
}

function lineOf({ vectors, insert, index, p50, p95, recall, megabytes }: Measured): string {
  const cells = [insert.toFixed(1), index.toFixed(1), p50.toFixed(1), p95.toFixed(1), recall.toFixed(3)];
  return [String(vectors).padEnd(8), ...cells.map((cell) => cell.padEnd(9)), Math.round(megabytes)].join(" ");
}

/** A server of its own in a temporary folder, over a socket. */
function startServer(postgres: string): { readonly connection: string; stop(): void } {
  const home = mkdtempSync(join(tmpdir(), "pipe-bench-pgvector-"));
  const isRoot = process.getuid?.() === 0;
  chmodSync(home, 0o755);
  if (isRoot) chownSync(home, nobody, nobody);
  const run = (name: string, ...args: readonly string[]): void => {
    const options = { stdio: "ignore", cwd: home, ...(isRoot ? { uid: nobody, gid: nobody } : {}) } as const;
    execFileSync(join(dirname(postgres), name), args, options);
  };
  const data = join(home, "data");
  run("initdb", "-D", data, "-U", "pipe", "-A", "trust");
  const settings = `-k ${home} -c listen_addresses='' -c maintenance_work_mem=1GB -c max_wal_size=4GB`;
  run("pg_ctl", "-D", data, "-w", "-l", join(home, "log"), "-o", settings, "start");
  return {
    connection: `postgres://pipe@/postgres?host=${encodeURIComponent(home)}`,
    stop: () => {
      run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop");
      rmSync(home, { recursive: true, force: true });
    },
  };
}
