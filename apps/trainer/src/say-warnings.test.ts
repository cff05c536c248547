import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { sayWarnings } from "./say-warnings.ts";

it("passes on what Node warns of, once, without the news about SQLite", () => {
  const process = new EventEmitter<{ warning: [Error] }>();
  const said: string[] = [];
  process.on("warning", () => said.push("Node's own"));
  sayWarnings(process, (line) => said.push(line));
  const warning = (name: string, message: string) =>
    process.emit("warning", Object.assign(new Error(message), { name }));
  warning("ExperimentalWarning", "SQLite is an experimental feature and might change at any time");
  warning("ExperimentalWarning", "Something else is new");
  warning("DeprecationWarning", "Something is old");
  expect(said).toEqual(["ExperimentalWarning: Something else is new\n", "DeprecationWarning: Something is old\n"]);
});
