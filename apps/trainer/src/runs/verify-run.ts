import { ModelCheckpointer, openRun } from "@pipe/persist";
import type { Host } from "../host.ts";

/** Checks every file of every checkpoint of a run; resolves to 0 where all are complete, else 1. */
export async function verifyRun(path: string, host: Host, json: boolean): Promise<number> {
  const run = await openRun(path);
  const checkpointer = new ModelCheckpointer({ folder: run.checkpoints });
  let good = true;
  for (const ref of await checkpointer.list()) {
    const { ok, problems } = await checkpointer.verify(ref);
    good &&= ok;
    if (json) host.stdout.write(`${JSON.stringify({ step: ref.step, ok, problems })}\n`);
    else host.stdout.write(`step ${ref.step}: ${ok ? "complete" : problems.join("; ")}\n`);
  }
  return good ? 0 : 1;
}
