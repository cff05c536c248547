import { type Json, messageOf } from "@pipe/core";
import { parse as parseYaml } from "yaml";
import type { MarkdownDocument } from "./markdown-document.ts";

/** Aliases that a front matter may expand to: a "billion laughs" of nested ones is refused. */
const maxAliases = 100;

/** A field whose value is text in one line, without what YAML gives a meaning, or stands in the lines below. */
const plainField = /^([A-Za-z_][\w-]{0,99}):(?: (.+))?$/;
const plainText = /^[A-Za-z](?:(?! #)[ -9;-~]|:(?=[!-~]))*$/;
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

/** Front matter that has only text, and fields and lists of it, as most has: that takes no parser. */
function plainFields(yaml: string): { [field: string]: Json } | undefined {
  const reader = new PlainReader(yaml.split("\n"));
  const fields = reader.fields(0);
  return reader.isAtEnd ? fields : undefined;
}

/** Reads lines as long as they are plain: a line that is not stops it before the end. */
class PlainReader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#lines.length;
  }

  /** Fields that are indented by so many spaces; nothing where one is not plain. */
  fields(indent: number): { [field: string]: Json } | undefined {
    const fields = new Map<string, Json>();
    for (; this.#indent() === indent;) {
      const [, name, text] = plainField.exec(this.#lines[this.#at]!.slice(indent)) ?? [];
      if (name === undefined || fields.has(name) || typed.test(name)) return undefined;
      this.#at++;
      const value = text === undefined ? this.#below(indent) : textOf(text);
      if (value === undefined) return undefined;
      fields.set(name, value);
    }
    return Object.fromEntries(fields);
  }

  /** A list, which may stand as far left as its field, or fields. */
  #below(indent: number): Json | undefined {
    const own = this.#indent();
    if (own >= indent && this.#isItem(own)) return this.#items(own);
    return own > indent ? this.fields(own) : undefined;
  }

  #items(indent: number): Json[] | undefined {
    const items: Json[] = [];
    for (; this.#indent() === indent && this.#isItem(indent); this.#at++) {
      const text = textOf(this.#lines[this.#at]!.slice(indent + 2));
      if (text === undefined) return undefined;
      items.push(text);
    }
    return items;
  }

  #isItem(indent: number): boolean {
    return this.#lines[this.#at]!.startsWith("- ", indent);
  }

  /** Spaces before the line; -1 behind the last. */
  #indent(): number {
    return this.#lines[this.#at]?.search(/[^ ]|$/) ?? -1;
  }
}

function textOf(value: string): string | undefined {
  return plainText.test(value) && !typed.test(value) ? value.trimEnd() : undefined;
}

/** Front matter's title, if it has one. */
export function titleOf(frontMatter: MarkdownDocument["frontMatter"]): string | undefined {
  const title = frontMatter?.["title"];
  return typeof title === "string" && title.trim() !== "" ? title.trim() : undefined;
}
