/**
 * The command `pipe` as a function, for programs that embed it.
 *
 * @packageDocumentation
 */
export { run, type Command } from "./cli.ts";
export type { Host, Output } from "./host.ts";
