import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventLines, eventOf } from "./event-lines.ts";

/**
 * Moves the events after a step out of `events.jsonl` into `events.<k>.jsonl` (k is the next free number), as a run does
 * that resumes from that step; so no reader of `events.jsonl` sees a step twice.
 *
 * Events without a step, such as warnings, stay. Both files are written beside their places and renamed; the new one
 * first, so that no event is missing at any time. The log must not be open for writing.
 * @returns how many events were moved; 0 where there is no log, or nothing after the step, and no file has changed then.
 * @throws PipeError `events-damaged` with the line number; nothing has changed then.
 */
export async function cutEvents(runFolder: string, step: number): Promise<number> {
  const log = join(runFolder, "events.jsonl");
  const names = await readdir(runFolder);
  if (!names.includes("events.jsonl")) return 0;
  const kept = new LineWriter(join(runFolder, ".tmp-events-kept.jsonl"));
  const moved = new LineWriter(join(runFolder, ".tmp-events-moved.jsonl"));
  try {
    let count = 0;
    for await (const line of eventLines(log)) {
      const event = eventOf(line, log);
      if (event === undefined) {
        await moved.add(line.text); // torn, so it is the last: what there is of it ends the file of what was given up
      } else if ("step" in event && event.step > step) {
        count++;
        await moved.add(`${line.text}\n`);
      } else {
        await kept.add(`${line.text}\n`);
      }
    }
    if (count === 0) return 0;
    await moved.end();
    await kept.end();
    await rename(moved.path, join(runFolder, `events.${nextNumber(names)}.jsonl`));
    await syncFolder(runFolder);
    await rename(kept.path, log);
    await syncFolder(runFolder);
    return count;
  } finally {
    await moved.remove();
    await kept.remove();
  }
}

function nextNumber(names: readonly string[]): number {
  const taken = names.map((name) => Number(/^events\.(\d+)\.jsonl$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...taken) + 1;
}

/** Writes lines in pieces of a megabyte, so that memory does not grow with the log. */
class LineWriter {
  readonly path: string;
  #file: FileHandle | undefined;
  #lines: string[] = [];
  #length = 0;

  constructor(path: string) {
    this.path = path;
  }

  async add(line: string): Promise<void> {
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= 1 << 20) await this.#write();
  }

  async end(): Promise<void> {
    const file = await this.#write();
    await file.sync();
    await file.close();
    this.#file = undefined;
  }

  /** Removes what is left of the file where it was not renamed. */
  async remove(): Promise<void> {
    await this.#file?.close();
    await rm(this.path, { force: true });
  }

  async #write(): Promise<FileHandle> {
    this.#file ??= await open(this.path, "w");
    await this.#file.writeFile(this.#lines.join(""));
    this.#lines = [];
    this.#length = 0;
    return this.#file;
  }
}

/** Makes a rename outlive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // folders cannot be opened there; NTFS journals its renames
  const handle = await open(folder, "r");
  await handle.sync();
  await handle.close();
}
