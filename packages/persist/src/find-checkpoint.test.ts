import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CheckpointScheduler } from "./checkpoint-scheduler.ts";
import { findCheckpoint } from "./find-checkpoint.ts";
import { ModelCheckpointer } from "./model-checkpointer.ts";
import { ModelLoader } from "./model-loader.ts";
import { metadataAt, parameters, snapshotAt } from "./snapshot.test.fixture.ts";
import { StateManager } from "./state-manager.ts";
import { temporaryFolders } from "./temporary-folder.test.fixture.ts";

const newFolder = temporaryFolders();

/** Checkpoints of these steps, whose losses a scheduler has seen. */
async function checkpoints(losses: { readonly [step: number]: number }): Promise<string> {
  const folder = await newFolder();
  const checkpointer = new ModelCheckpointer({ folder });
  const scheduler = new CheckpointScheduler({ every: 1, keepBest: { metric: "loss", better: "lower" } });
  for (const [step, loss] of Object.entries(losses)) {
    scheduler.observe({ step: Number(step), metrics: { loss } });
    const { state, ...metadata } = metadataAt(Number(step));
    const whole = { ...state, ...new StateManager([scheduler]).capture() };
    await checkpointer.save(snapshotAt(Number(step)), { ...metadata, state: whole });
  }
  return folder;
}

it("finds the newest, the best, and that of a step", async () => {
  const folder = await checkpoints({ 10: 3, 20: 1, 30: 2 });
  expect((await findCheckpoint(folder)).step).toBe(30);
  expect((await findCheckpoint(folder, "newest")).step).toBe(30);
  expect((await findCheckpoint(folder, "best")).step).toBe(20);
  expect(await findCheckpoint(folder, 10)).toEqual({ step: 10, location: join(folder, "step-00000010") });
  const loader = new ModelLoader();
  const { "ln.bias": bias } = await loader.load(folder, parameters, { checkpoint: "best" });
  expect(bias!.data).toEqual(Float32Array.of(20, 20));
});

it("says what there is where a checkpoint is missing", async () => {
  const folder = await checkpoints({ 10: 3, 20: 4 });
  await expect(findCheckpoint(folder, 11)).rejects.toThrow("expected: one of 10, 20");
  await rm(join(folder, "step-00000010"), { recursive: true });
  await expect(findCheckpoint(folder, "best")).rejects.toThrow("no complete checkpoint of step 10");
  await expect(findCheckpoint(join(folder, "nowhere"))).rejects.toThrow("no complete checkpoint yet");
});

it("says so where no best is known, or the state is damaged", async () => {
  const folder = await newFolder();
  await new ModelCheckpointer({ folder }).save(snapshotAt(1), metadataAt(1));
  await expect(findCheckpoint(folder, "best")).rejects.toThrow("checkpoint.keepBest");
  await writeFile(join(folder, "step-00000001", "state.json"), "{");
  await expect(findCheckpoint(folder, "best")).rejects.toThrow(
    expect.objectContaining({ code: "checkpoint-damaged" }) as Error,
  );
});
