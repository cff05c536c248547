import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The markdown files of a folder. */
export function markdownIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.mdx?$/.test(name));
}

/** Adds a paragraph to every hundredth file of a folder; returns their names. */
export function editFiles(folder: string, round: number | string): string[] {
  const edited = markdownIn(folder).filter((_, at) => at % 100 === 50);
  for (const name of edited) appendFileSync(join(folder, name), `\nOne more paragraph, of round ${round}.\n`);
  return edited;
}
