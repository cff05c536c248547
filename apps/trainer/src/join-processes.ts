import { type DistributedContext, singleProcess } from "@pipe/train";
import type { Host } from "./host.ts";

/** Joins the processes that `mpirun` has started together with this one, if it has. */
export async function joinProcesses({ env }: Pick<Host, "env">): Promise<DistributedContext> {
  if (!(Number(env["PMI_SIZE"]) > 1)) return singleProcess;
  const { joinMpi } = await import("@pipe/train/mpi");
  return joinMpi({ library: env["PIPE_MPI_LIBRARY"] });
}
