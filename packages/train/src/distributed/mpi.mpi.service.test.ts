import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { joinMpi } from "./mpi-context.ts";

const mpi = process.env["PIPE_MPI"];

// One process alone: what `mpirun` adds is tested by the command.
describe.skipIf(mpi === undefined)("MPI", () => {
  it("adds up and waits, alone", async () => {
    const context = await joinMpi({ library: join(mpi!, "lib/libmpi.so.12") });
    expect([context.rank, context.world, context.isMain]).toEqual([0, 1, true]);
    const values = Float32Array.of(1, 2, 3);
    await context.sum(values);
    expect([...values]).toEqual([1, 2, 3]);
    await context.barrier();
    await context[Symbol.asyncDispose]();
  });
});
