import { createHash } from "node:crypto";
import { type IDataSource, PipeError, type SourceDocument } from "@pipe/core";
import type { SplitName } from "./dataset-index.ts";

/** How documents are divided between training and validation. */
export type SplitOptions = {
  /**
   * `document`: by a hash of each text, so that a document keeps its side when others come or go. `file`: the same by
   * path, so that the documents of a file stay together. `tail`: the last part of the whole text, cut at an exact
   * character (Unicode code point), inside a document if need be.
   */
  readonly by: "document" | "file" | "tail";
  /** Share of validation, from 0 to below 1; default 0.1. */
  readonly fraction?: number;
};

/** A piece of a document and where it belongs. */
export type SplitPiece = { readonly split: SplitName; readonly text: string };

/** Fills in defaults and checks. @throws PipeError `split-invalid`. */
export function resolveSplit(options: SplitOptions): Required<SplitOptions> {
  const { by, fraction = 0.1 } = options;
  if (["document", "file", "tail"].includes(by) && fraction >= 0 && fraction < 1) return { by, fraction };
  throw new PipeError("split-invalid", "The split of a dataset is not valid.", {
    expected: '{ by: "document" | "file" | "tail", fraction: from 0 to below 1 }',
    got: JSON.stringify({ by, fraction }),
  });
}

/** Makes the function that divides documents, to be called once for each in order; `tail` reads the source once before. */
export async function splitter(
  split: Required<SplitOptions>,
  source: IDataSource,
  signal: AbortSignal | undefined,
): Promise<(document: SourceDocument) => SplitPiece[]> {
  const { by, fraction } = split;
  if (by !== "tail") {
    return ({ id, path, text }) => {
      const validation = unitHash(by === "document" ? text : (path ?? id)) < fraction;
      return [{ split: validation ? "validation" : "train", text }];
    };
  }
  let total = 0;
  for await (const { text } of source.documents()) {
    signal?.throwIfAborted();
    total += codePoints(text);
  }
  let left = Math.floor(total * (1 - fraction));
  return ({ text }) => {
    const length = codePoints(text);
    const cut = length <= left ? text.length : offsetOf(text, left);
    left = Math.max(0, left - length);
    const pieces: SplitPiece[] = [
      { split: "train", text: text.slice(0, cut) },
      { split: "validation", text: text.slice(cut) },
    ];
    return pieces.filter((piece) => piece.text !== "");
  };
}

/** A number in [0, 1) that depends on the text alone. */
function unitHash(text: string): number {
  return createHash("sha256").update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** Characters of a text. */
function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) if (isPair(text, at)) count--;
  return count;
}

/** The UTF-16 offset of a character. */
function offsetOf(text: string, character: number): number {
  let at = 0;
  for (let passed = 0; passed < character; passed++) at += isPair(text, at) ? 2 : 1;
  return at;
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
