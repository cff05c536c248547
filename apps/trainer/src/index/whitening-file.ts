import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { PipeError } from "@pipe/core";
import type { Whitening } from "@pipe/models";
import { resolveCheckpoint } from "@pipe/persist";
import { replaceFile } from "./replace-file.ts";

/** A whitening that an index keeps, with the step of the weights that it was estimated with, where they have one. */
export type KeptWhitening = { readonly step?: number; readonly whitening: Whitening };

const NAME = /^whitening(?:-(\d+))?\.bin$/;

/** The step in the name of the newest whitening of an index; `undefined` where there is none. */
export async function whiteningStep(index: string): Promise<{ readonly step?: number } | undefined> {
  const [newest] = await namesIn(index);
  if (newest === undefined) return undefined;
  const [, step] = NAME.exec(newest)!;
  return step === undefined ? {} : { step: Number(step) };
}

/**
 * The checkpoint of a run that a kept whitening fits; nothing where that is the newest, as it is without a whitening.
 * @throws PipeError `checkpoint-missing`, where it is gone.
 */
export async function checkpointOf(
  run: string,
  kept: { readonly step?: number } | undefined,
): Promise<number | undefined> {
  if (kept?.step === undefined) return undefined;
  const { step: newest } = await resolveCheckpoint(run);
  if (newest === kept.step) return undefined;
  await resolveCheckpoint(run, kept.step);
  return kept.step;
}

/** The newest whitening of an index, if it has one. @throws PipeError `whitening-damaged`. */
export async function readWhitening(index: string): Promise<KeptWhitening | undefined> {
  const [newest] = await namesIn(index);
  if (newest === undefined) return undefined;
  const path = join(index, newest);
  // A model's package takes long to load, and an index without a whitening needs none.
  const { Whitening } = await import("@pipe/models");
  try {
    return { ...(await whiteningStep(index)), whitening: await Whitening.from(await readFile(path)) };
  } catch (cause) {
    if (!PipeError.is(cause, "whitening-damaged")) throw cause;
    throw new PipeError("whitening-damaged", "The whitening of this index is damaged.", {
      expected: "the bytes that were written",
      got: "others",
      where: path,
      fix: "remove this file, and index with --whiten again",
      cause,
    });
  }
}

/** Keeps a whitening with an index, whole or not at all, in the place of older ones. */
export async function keepWhitening(index: string, { step, whitening }: KeptWhitening): Promise<void> {
  const name = step === undefined ? "whitening.bin" : `whitening-${step}.bin`;
  await replaceFile(index, name, whitening.bytes());
  for (const older of await namesIn(index)) if (older !== name) await rm(join(index, older), { force: true });
}

/** Forgets what whitenings an index keeps, as it goes on with another model. */
export async function dropWhitening(index: string): Promise<void> {
  for (const name of await namesIn(index)) await rm(join(index, name), { force: true });
}

/** Names of all whitenings, that of the latest step first. */
async function namesIn(index: string): Promise<readonly string[]> {
  const names = await readdir(index).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const stepOf = (name: string): number => Number(NAME.exec(name)![1] ?? -1);
  return names.filter((name) => NAME.test(name)).sort((a, b) => stepOf(b) - stepOf(a));
}
