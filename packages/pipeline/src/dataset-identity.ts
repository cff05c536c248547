import { type IStateful, PipeError } from "@pipe/core";
import { DataLoaderFactory } from "@pipe/data";

/** Remembers which text a run is trained on: its positions mean nothing on another one. */
export async function datasetIdentity(folder: string): Promise<IStateful> {
  const { source, tokenizer } = await new DataLoaderFactory({ folder }).describe();
  const identity = `${source.fingerprint} ${tokenizer.hash}`;
  return {
    key: "dataset",
    capture: () => identity,
    restore: (stored) => {
      if (stored === identity) return;
      throw new PipeError("resume-changed", "The text has changed since the run was started.", {
        where: folder,
        fix: "resume with the text that the run was started with, or start a new run",
      });
    },
  };
}
