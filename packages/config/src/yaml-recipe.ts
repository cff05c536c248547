import { messageOf, PipeError } from "@pipe/core";
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Origin, Position } from "./origin.ts";

/** What a YAML or JSON text holds, and where. */
export type YamlRecipe = { readonly value: unknown; readonly origins: ReadonlyMap<string, Origin> };

/**
 * Reads YAML 1.2, of which JSON is a part, with the position of every key and value.
 * @throws PipeError `recipe-invalid` with all errors of the text.
 */
export function parseYaml(text: string, file: { readonly name: string; readonly folder: string }): YamlRecipe {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const where = (offset: number): string => `${file.name}:${position(offset).line}:${position(offset).column}`;
  if (document.errors.length > 0) {
    const errors = document.errors.map(({ message, pos }) => `${where(pos[0])}: ${message}`);
    throw new PipeError("recipe-invalid", `${file.name} is not valid YAML:\n  ${errors.join("\n  ")}`);
  }
  const origins = new Map<string, Origin>();
  const note = (path: string, key: unknown, value: unknown): void => {
    const at = (node: unknown): Position | undefined =>
      isNode(node) && node.range ? position(node.range[0]) : undefined;
    const [keyAt, valueAt] = [at(key), at(value) ?? at(key)];
    origins.set(path, {
      source: "recipe",
      ...file,
      ...(keyAt === undefined ? {} : { key: keyAt }),
      ...(valueAt === undefined ? {} : { value: valueAt }),
    });
    if (isMap(value)) {
      for (const pair of value.items) {
        if (isPair(pair) && isScalar(pair.key)) note(join(path, String(pair.key.value)), pair.key, pair.value);
      }
    } else if (isSeq(value)) value.items.forEach((item, i) => note(join(path, String(i)), item, item));
  };
  note("", undefined, document.contents);
  try {
    return { value: document.toJS() as unknown, origins };
  } catch (cause) {
    throw new PipeError("recipe-invalid", `${file.name} cannot be read.`, { got: messageOf(cause), cause });
  }
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
