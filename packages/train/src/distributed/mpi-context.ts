import { PipeError } from "@pipe/core";
import type { DistributedContext } from "./distributed-context.ts";
import { type MpiLibrary, openMpi } from "./mpi-library.ts";

/** Which MPI. */
export type MpiOptions = {
  /** Path of `libmpi`; default what the system finds under its usual names. */
  readonly library?: string | undefined;
};

/** Floats in one call: what a 32-bit count and moderate memory allow. */
const atOnce = 2 ** 26;

/**
 * Joins the processes that `mpirun` has started, over MPI's all-reduce: on one machine or a cluster, whatever the engine
 * computes on. The event loop stays free while others are waited for.
 * @throws PipeError `mpi-missing`, `mpi-unsupported`.
 */
export async function joinMpi({ library }: MpiOptions = {}): Promise<DistributedContext> {
  return contextOf(await openMpi(library));
}

/** A context over an open library. */
export function contextOf(mpi: MpiLibrary): DistributedContext {
  let lost = false;
  const check = (code: number): void => {
    if (code === 0) return;
    lost = true;
    throw new PipeError("peer-lost", "Another process of the training is gone, or cannot be reached.", {
      got: mpi.explain(code),
      where: `rank ${mpi.rank} of ${mpi.world}`,
      fix: "start the run again with --resume; it may have another number of processes",
    });
  };
  return {
    rank: mpi.rank,
    world: mpi.world,
    isMain: mpi.rank === 0,
    sum: async (values) => {
      for (let begin = 0; begin < values.length; begin += atOnce)
        check(await mpi.sum(values.subarray(begin, begin + atOnce)));
    },
    barrier: async () => check(await mpi.barrier()),
    [Symbol.asyncDispose]: async () => {
      // With a process lost it would wait for that one.
      if (!lost) mpi.finalize();
    },
  };
}
