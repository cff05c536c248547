import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MarkdownIndexer } from "@pipe/indexer";
import { EventBus } from "@pipe/monitor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadExperiment } from "./experiment.ts";
import { tinyExperiment } from "./tiny-experiment.test.fixture.ts";
import { TrainingPipelineV2 } from "./training-pipeline-v2.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-index-along-"));
  await writeFile(join(folder, "text.txt"), "north east south west ".repeat(100));
  await mkdir(join(folder, "notes"));
  for (let n = 0; n < 30; n++)
    await writeFile(join(folder, `notes/${n + 10}.md`), `# Note ${n}\n\nA kettle sings, ${n} times.\n`);
  await writeFile(join(folder, "notes/00-bad.md"), Buffer.from([0xff, 0xfe, 0x20]));
});

afterAll(() => rm(folder, { recursive: true }));

/** Trains until what is told of updates of the index says that it is enough. */
async function train(name: string, indexing: object, enough: (documents: number) => boolean) {
  const sections = {
    training: { steps: 1_000_000 },
    checkpoint: { every: 1_000_000 },
    evaluation: { every: 1_000_000 },
  };
  const { experiment, components } = await loadExperiment({
    ...tinyExperiment(folder, { ...sections, indexing }),
    name,
  });
  const events = new EventBus();
  const abort = new AbortController();
  events.on("index-updated", ({ documents }) => {
    if (enough(documents)) abort.abort();
  });
  const options = { components, events, signal: abort.signal, runsDir: join(folder, "runs"), now: () => 5 };
  return new TrainingPipelineV2(experiment, options).run();
}

/** What another process finds in an index by words. */
function foundElsewhere(index: string, query: string): string[] {
  const script = `
    import { MarkdownIndexer } from "@pipe/indexer";
    const indexer = await MarkdownIndexer.open({ folder: ${JSON.stringify(index)}, create: false, worker: false });
    const hits = await indexer.search(${JSON.stringify(query)}, { limit: 3 });
    console.log(JSON.stringify(hits.map(({ path }) => path)));
    await indexer[Symbol.asyncDispose]();`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@pipe/source", "--input-type=module", "--eval", script],
    { cwd: import.meta.dirname, encoding: "utf8" },
  );
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

describe("indexing.during", () => {
  it("indexes the folder and what is trained on, is searched by another process meanwhile, and stamps vectors with steps", async () => {
    const during = { every: 2, budget: 1 };
    const seen: string[][] = [];
    let updates = 0;
    const { run } = await train("along", { folder: join(folder, "notes"), documents: true, during }, (documents) => {
      // The run stands still while the other process looks.
      if (updates++ === 1) seen.push(foundElsewhere(join(folder, "runs/along/index"), "kettle"));
      return updates > 3 && documents === 31;
    });
    expect(seen[0]).toContain("10.md");
    const lines = (await readFile(run.events, "utf8")).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as { event: string; [field: string]: unknown });
    expect(events.find(({ event }) => event === "documents-consumed")).toMatchObject({ documents: [{ shard: 0 }] });
    expect(events.find(({ event, source }) => event === "warning" && source === "index")).toMatchObject({
      message: expect.stringContaining("00-bad.md"),
    });
    expect(events.findLast(({ event }) => event === "index-updated")).toMatchObject({ documents: 31 });

    const indexer = await MarkdownIndexer.open({ folder: run.index, create: false, worker: false });
    const { collections, spaces, chunks, vectors } = await indexer.status();
    expect(collections).toEqual([
      { name: "default", documents: 30 },
      { name: "training", documents: 1 },
    ]);
    expect([vectors > 0, vectors <= chunks]).toEqual([true, true]);
    for (const { step } of spaces) expect(step! % 2).toBe(0);
    expect((await indexer.search("east"))[0]).toMatchObject({ collection: "training" });
    await indexer[Symbol.asyncDispose]();
  });

  it("warns where the index cannot be written, and trains on", async () => {
    await writeFile(join(folder, "runs-blocked"), "");
    const { experiment, components } = await loadExperiment({
      ...tinyExperiment(folder, { indexing: { folder: join(folder, "nothing"), during: { every: 1, budget: 1 } } }),
      name: "blocked",
    });
    const events = new EventBus();
    const warnings: string[] = [];
    events.on("warning", ({ source, message }) => warnings.push(`${source}: ${message}`));
    const options = { components, events, runsDir: join(folder, "runs"), now: () => 5 };
    expect((await new TrainingPipelineV2(experiment, options).run()).reason).toBe("completed");
    expect(warnings[0]).toMatch(/^index: /);
  });
});
