import { type Json, messageOf } from "@pipe/core";
import { parse as parseYaml } from "yaml";
import type { MarkdownDocument } from "./markdown-document.ts";

/** Aliases that a front matter may expand to: a "billion laughs" of nested ones is refused. */
const maxAliases = 100;

/** A field of text in one line, without what YAML gives a meaning. */
const plainField = /^([A-Za-z_][\w-]{0,99}): ([A-Za-z](?:(?! #)[ -9;-~]|:(?=[!-~]))*)$/;
/** Names of values that are no text. */
const typed = /^(?:null|true|false|__proto__) *$/i;

/** Reads the fields of YAML front matter. Never throws: what is wrong stands in `frontMatterError`. */
export function readFrontMatter(yaml: string): Pick<MarkdownDocument, "frontMatter" | "frontMatterError"> {
  const frontMatter = plainFields(yaml);
  if (frontMatter !== undefined) return { frontMatter };
  try {
    // The core schema makes plain data only: no tags that build objects, no code.
    const value: unknown = parseYaml(yaml, { logLevel: "error", maxAliasCount: maxAliases, schema: "core" });
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    return { frontMatter: JSON.parse(JSON.stringify(value)) as { [field: string]: Json } };
  } catch (error) {
    return { frontMatterError: messageOf(error) };
  }
}

/** Front matter that has plain fields only, as most has: that takes no parser. */
function plainFields(yaml: string): { [field: string]: Json } | undefined {
  const fields = new Map<string, string>();
  for (const line of yaml.split("\n")) {
    const [, name, value] = plainField.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    if (fields.has(name) || typed.test(name) || typed.test(value)) return undefined;
    fields.set(name, value.trimEnd());
  }
  return Object.fromEntries(fields);
}

/** Front matter's title, if it has one. */
export function titleOf(frontMatter: MarkdownDocument["frontMatter"]): string | undefined {
  const title = frontMatter?.["title"];
  return typeof title === "string" && title.trim() !== "" ? title.trim() : undefined;
}
