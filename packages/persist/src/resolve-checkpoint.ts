import { PipeError } from "@pipe/core";
import { type CheckpointName, findCheckpoint } from "./find-checkpoint.ts";
import { openRun } from "./run-folder.ts";

/**
 * The checkpoint that a path means: one of a run by its name (default the newest), or the folder itself.
 * @throws PipeError `checkpoint-missing`; `run-missing` where a checkpoint is named and the path is no run.
 */
export async function resolveCheckpoint(
  path: string,
  name?: CheckpointName,
): Promise<{ readonly location: string; readonly step?: number }> {
  let checkpoints: string;
  try {
    ({ checkpoints } = await openRun(path));
  } catch (error) {
    if (!PipeError.is(error, "run-missing") || name !== undefined) throw error;
    const step = /step-(\d+)$/.exec(path)?.[1];
    return { location: path, ...(step === undefined ? {} : { step: Number(step) }) };
  }
  return findCheckpoint(checkpoints, name);
}
