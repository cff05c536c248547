import { indexReads } from "./index-reads.ts";
import { indexWrites } from "./index-writes.ts";
import { IndexDatabase } from "./store/index-database.ts";
import { checkIndex } from "./store/index-file.ts";
import { type RepairReport, repairIndex } from "./store/repair.ts";
import { WriterLock } from "./store/writer-lock.ts";

/** What a worker of an index serves. */
export type IndexApi = ReturnType<typeof createIndexHost>;

/** One connection to an index and all that is asked of it, for a worker or the thread at hand. */
export function createIndexHost() {
  let database: IndexDatabase | undefined;
  let lock: WriterLock | undefined;
  const opened = (): IndexDatabase => database!;

  return {
    ...indexReads(opened),
    ...indexWrites(opened),

    open(folder: string, create: boolean): void {
      database = new IndexDatabase(folder, create);
    },

    close(): void {
      lock?.release();
      lock = undefined;
      database?.close();
    },

    lock(purpose: string): void {
      lock = new WriterLock(opened().folder, purpose);
    },

    unlock(): void {
      lock?.release();
      lock = undefined;
    },

    /** Needs no open file: the one that is there may be none. */
    repair(folder: string): RepairReport {
      checkIndex(folder);
      const lock = new WriterLock(folder, "repairing");
      try {
        return repairIndex(folder);
      } finally {
        lock.release();
      }
    },
  };
}
