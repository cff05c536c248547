import { LexicalWriter } from "../lexical/lexical-writer.ts";
import type { IndexDatabase } from "./index-database.ts";

/** Merges words, forgets what was removed and gives free space back to the disk. */
export function compactIndex(database: IndexDatabase): void {
  const lexical = new LexicalWriter(database);
  database.write(() => {
    lexical.compact();
    forgetChanges(database);
  });
  database.vacuum();
}

/** Forgets which passages were removed: who followed the changes from before begins again. */
export function forgetChanges(database: IndexDatabase): void {
  database.sql("DELETE FROM removed").run();
  database.sql("UPDATE meta SET value = ? WHERE name = 'forgotten'").run(database.sequence);
}
