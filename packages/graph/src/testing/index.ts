/**
 * The contract that every engine keeps, as tests that take the test runner as an argument.
 *
 * @packageDocumentation
 */
export { engineContract, engineTolerances } from "./engine-contract.ts";
export { opPrograms, type OpProgram } from "./op-programs.ts";
