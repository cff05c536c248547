import { readFile } from "node:fs/promises";

/** A file of the page. */
export type PageFile = { readonly type: string; readonly text: string };

/** What can be asked for: the names are listed, so that no address leads to another file. */
const SCRIPTS = ["app", "chart", "dom", "figures", "run-state", "run-view", "search"];
const FILES: readonly (readonly [address: string, name: string, type: string])[] = [
  ["/", "index.html", "text/html"],
  ["/style.css", "style.css", "text/css"],
  ...SCRIPTS.map((name) => [`/${name}.js`, `${name}.js`, "text/javascript"] as const),
];

/** Reads the files of the page, by address. They lie beside `src` and `dist`, and need no build. */
export async function readPage(): Promise<ReadonlyMap<string, PageFile>> {
  const entries = FILES.map(async ([address, name, type]) => {
    const text = await readFile(new URL(`../../page/${name}`, import.meta.url), "utf8");
    return [address, { type: `${type}; charset=utf-8`, text }] as const;
  });
  return new Map(await Promise.all(entries));
}
