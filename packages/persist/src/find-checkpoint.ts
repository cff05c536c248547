import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CheckpointRef, type Json, messageOf, PipeError } from "@pipe/core";
import { ModelCheckpointer } from "./model-checkpointer.ts";

/** One of a run's checkpoints: the newest, that with the best metric, or that of a step. */
export type CheckpointName = "newest" | "best" | number;

/**
 * Finds a checkpoint by name in a folder of checkpoints. The best one is that which the newest names, as a
 * `CheckpointScheduler` with `keepBest` notes it.
 * @throws PipeError `checkpoint-missing`, `checkpoint-damaged`.
 */
export async function findCheckpoint(folder: string, name: CheckpointName = "newest"): Promise<CheckpointRef> {
  const refs = await new ModelCheckpointer({ folder }).list();
  const newest = refs.at(-1);
  if (newest === undefined) {
    throw new PipeError("checkpoint-missing", "The run has no complete checkpoint yet.", { where: folder });
  }
  if (name === "newest") return newest;
  const step = name === "best" ? await bestStep(newest) : name;
  const found = refs.find((ref) => ref.step === step);
  if (found !== undefined) return found;
  throw new PipeError("checkpoint-missing", `There is no complete checkpoint of step ${step}.`, {
    expected: `one of ${refs.map((ref) => ref.step).join(", ")}`,
    got: String(name),
    where: folder,
  });
}

async function bestStep({ location }: CheckpointRef): Promise<number> {
  let best: { readonly step: number } | null | undefined;
  try {
    const state = JSON.parse(await readFile(join(location, "state.json"), "utf8")) as { readonly [key: string]: Json };
    ({ best } = (state["checkpoints"] ?? {}) as { readonly best?: typeof best });
  } catch (cause) {
    const got = messageOf(cause);
    throw new PipeError("checkpoint-damaged", "A checkpoint's state.json cannot be read.", {
      got,
      where: location,
      cause,
    });
  }
  if (best !== null && best !== undefined) return best.step;
  throw new PipeError("checkpoint-missing", "This run has not noted which of its checkpoints is the best.", {
    where: location,
    fix: "train with checkpoint.keepBest set to a metric, such as loss, or name a step",
  });
}
