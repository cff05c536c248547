import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createComponent } from "@pipe/core";
import { dataSourceContract } from "@pipe/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import plugin from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "pipe-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, "a.sqlite");
const database = new DatabaseSync(path);
database.exec(`CREATE TABLE "odd ""name" (text, other)`);
const insert = database.prepare(`INSERT INTO "odd ""name" VALUES (?, ?)`);
for (const text of ["one", null, "", "Größe 🙂", 42n]) insert.run(text, "x");

const make = (options: object = {}) =>
  createComponent(plugin.components, "source", { kind: "sqlite", path, table: 'odd "name', ...options });

// Everything that a source must do: ids, cursors, several readers at a time, a fingerprint.
dataSourceContract(() => make(), { describe, it, expect });

it("gives every row that is not null, as text", async () => {
  const texts = [];
  for await (const { id, text } of (await make()).documents()) texts.push([id, text]);
  expect(texts).toEqual([
    ["1", "one"],
    ["3", ""],
    ["4", "Größe 🙂"],
    ["5", "42"],
  ]);
  expect(await (await make()).describe()).toMatchObject({ kind: "sqlite", files: 1, bytes: 17 });
});

it("notices changed text", async () => {
  const { fingerprint } = await (await make()).describe();
  database.exec(`UPDATE "odd ""name" SET text = 'two' WHERE text = 'one'`);
  expect((await (await make()).describe()).fingerprint).not.toBe(fingerprint);
});

it("says what is missing", async () => {
  const first = async (options: object): Promise<unknown> =>
    (await make(options)).documents()[Symbol.asyncIterator]().next();
  await expect(first({ path: join(folder, "none") })).rejects.toMatchObject({ code: "source-missing" });
  await expect(first({ table: "none" })).rejects.toThrow(/column text of the table none[^]*no such table/);
  writeFileSync(join(folder, "text"), "this is no database, but it is long enough to be looked at as one".repeat(20));
  await expect(first({ path: join(folder, "text") })).rejects.toMatchObject({ code: "source-invalid" });
});
