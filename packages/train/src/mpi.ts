/**
 * Training by several processes over MPI.
 *
 * @packageDocumentation
 */
export { joinMpi, type MpiOptions } from "./distributed/mpi-context.ts";
