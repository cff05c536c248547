import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { dropSqliteWarning } from "./drop-sqlite-warning.ts";

it("leaves out what Node says of SQLite, and tells all other warnings as before", () => {
  const process = new EventEmitter();
  const told: string[] = [];
  process.on("warning", ({ message }: Error) => void told.push(message));
  dropSqliteWarning(process);
  for (const [name, message] of [
    ["ExperimentalWarning", "SQLite is an experimental feature"],
    ["ExperimentalWarning", "WASI is an experimental feature"],
    ["DeprecationWarning", "SQLite"],
  ] as const) {
    process.emit("warning", Object.assign(new Error(message), { name }));
  }
  expect(told).toEqual(["WASI is an experimental feature", "SQLite"]);
});
