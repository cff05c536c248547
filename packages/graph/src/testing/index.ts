/**
 * The contract that every engine keeps, as tests that take the test runner as an argument.
 *
 * @packageDocumentation
 */
export { engineContract } from "./engine-contract.ts";
export { engineTolerances } from "./tolerances.ts";
export { opPrograms, type OpProgram } from "./op-programs.ts";
