import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadExperiment } from "./experiment.ts";
import { tinyExperiment } from "./tiny-experiment.test.fixture.ts";
import { TrainingPipelineV2 } from "./training-pipeline-v2.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-stages-"));
  await writeFile(join(folder, "text.txt"), "north east south west ".repeat(60));
  await writeFile(
    join(folder, "norms.mjs"),
    `import { appendFile } from "node:fs/promises";
    let seen = 0;
    export default { api: 1, name: "norms", components: [{
      port: "stage", kind: "norms",
      create: async (_, services) => {
        const names = (await services.get("parameters")).map(({ name }) => name);
        return {
          name: "norms", onError: "stop", key: "norms",
          capture: () => seen,
          restore: (value) => void (seen = value),
          run: async ({ state, progress }) => {
            const weight = await state.params[names[0]].read();
            const norm = Math.hypot(...weight);
            await appendFile(${JSON.stringify(join(folder, "norms.txt"))}, [++seen, progress.step, norm > 0].join(" ") + "\\n");
          },
        };
      },
    }] };`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function train(steps: number, options: { readonly resume?: boolean; readonly stages?: readonly object[] } = {}) {
  const { resume = false, stages = [{ kind: "norms" }] } = options;
  const raw = tinyExperiment(folder, { training: { steps, stages }, plugins: ["./norms.mjs"] });
  const { experiment, components } = await loadExperiment(raw, { from: folder });
  return new TrainingPipelineV2(experiment, { components, runsDir: join(folder, "runs"), now: () => 0, resume }).run();
}

it("a plug-in's stage sees the state after each step, and its own state is kept in checkpoints", async () => {
  await train(2);
  // The module is loaded once: what it counted comes back from the checkpoint, not from memory.
  await train(3, { resume: true });
  expect(await readFile(join(folder, "norms.txt"), "utf8")).toBe("1 1 true\n2 2 true\n3 3 true\n");
  const state = JSON.parse(
    await readFile(join(folder, "runs/tiny/checkpoints/step-00000003/state.json"), "utf8"),
  ) as object;
  expect(state).toMatchObject({ stages: { norms: 3 } });
  // A run goes on without a stage that it was begun with.
  expect((await train(4, { resume: true, stages: [] })).progress.step).toBe(4);
});

it("a stage that nobody brings is named", async () => {
  await expect(train(1, { stages: [{ kind: "none" }] })).rejects.toThrow(
    /training\.stages\.0\.kind: expected norms, got "none"/,
  );
});
