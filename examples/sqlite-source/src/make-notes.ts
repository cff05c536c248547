import { globSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

// The pages of the guide as a table, for the recipe: node src/make-notes.ts [file]
const file = resolve(process.argv[2] ?? join(import.meta.dirname, "../notes.sqlite"));
const guide = join(import.meta.dirname, "../../../apps/trainer/guide");
rmSync(file, { force: true });
const database = new DatabaseSync(file);
database.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)");
const insert = database.prepare("INSERT INTO notes (text) VALUES (?)");
for (const page of globSync("*.md", { cwd: guide }).sort()) insert.run(readFileSync(join(guide, page), "utf8"));
database.close();
