import { type Json, messageOf } from "@pipe/core";
import { parse as parseYaml } from "yaml";
import type { MarkdownDocument } from "./markdown-document.ts";

/** Aliases that a front matter may expand to: a "billion laughs" of nested ones is refused. */
const maxAliases = 100;

/** Reads the fields of YAML front matter. Never throws: what is wrong stands in `frontMatterError`. */
export function readFrontMatter(yaml: string): Pick<MarkdownDocument, "frontMatter" | "frontMatterError"> {
  try {
    // The core schema makes plain data only: no tags that build objects, no code.
    const value: unknown = parseYaml(yaml, { logLevel: "error", maxAliasCount: maxAliases, schema: "core" });
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    return { frontMatter: JSON.parse(JSON.stringify(value)) as { [field: string]: Json } };
  } catch (error) {
    return { frontMatterError: messageOf(error) };
  }
}

/** Front matter's title, if it has one. */
export function titleOf(frontMatter: MarkdownDocument["frontMatter"]): string | undefined {
  const title = frontMatter?.["title"];
  return typeof title === "string" && title.trim() !== "" ? title.trim() : undefined;
}
