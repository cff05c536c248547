import { readFileSync } from "node:fs";

/** Versions that a run notes down. */
export function versions(): { readonly [name: string]: string } {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return { node: process.versions.node, "@pipe/trainer": version };
}
