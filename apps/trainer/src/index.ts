/**
 * The command `pipe` as a function, for programs that embed it, and recipes that complete in an editor.
 *
 * @packageDocumentation
 */
export { run, type Command } from "./cli.ts";
export type { Host, Output } from "./host.ts";
export { defineRecipe, type Recipe } from "@pipe/config";
export type { BuiltInDefinitions } from "@pipe/pipeline";
