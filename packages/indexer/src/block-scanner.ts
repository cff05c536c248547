import { LeafScanner, type Region, unsure } from "./leaf-scanner.ts";
import { definition, htmlTag, itemMarker, startOf, thematicBreak } from "./line-start.ts";
import type { Block } from "./markdown-blocks.ts";
import { indentOf, isBlank } from "./source-lines.ts";

/** Containers that may stand in each other; every level reads its lines once more. */
const maxDepth = 8;

/** Blocks of a text, and definitions of the names that links in it may refer to. */
export type Scanned = { readonly blocks: Block[]; readonly names: readonly string[] };

/**
 * Finds the blocks of a text in the shapes in which nearly all documents are written, many times as fast as the parser,
 * which decides on all others.
 *
 * @returns nothing where a line may mean more than is known here.
 */
export function scanBlocks(source: string): Scanned | undefined {
  // A byte order mark is passed over; lines may end with a carriage return alone.
  if (source.startsWith("\uFEFF") || (source.includes("\r") && /\r(?!\n)/.test(source))) return undefined;
  const scanner = new BlockScanner(source);
  return scanner.scanDocument() ? scanner : undefined;
}

/** The marker of a list's item, its indentation, and the column where its content begins. */
type Item = { readonly kind: string; readonly indent: number; readonly width: number };

class BlockScanner extends LeafScanner {
  scanDocument(): boolean {
    const region: Region = { to: this.lines.count, column: 0, depth: 1 };
    if (!this.#isFence(0)) return this.#scan(0, region);
    let last = 1;
    while (last < region.to && !this.#isFence(last)) last++;
    if (last >= region.to) return false;
    this.add("yaml", 0, last, 1);
    return this.#scan(last + 1, region);
  }

  /** Whether a line begins or ends front matter. */
  #isFence(line: number): boolean {
    return /^---[ \t]*$/.test(this.lines.text(line, 0));
  }

  /** Reads the lines of a document or of a container; returns whether all are sure. */
  #scan(from: number, region: Region): boolean {
    if (region.depth > maxDepth) return false;
    let line = from;
    while (line < region.to && line !== unsure) line = this.#block(line, region);
    return line !== unsure;
  }

  /** Reads the block that begins in a line; returns the line behind it. */
  #block(line: number, region: Region): number {
    const whole = this.lines.text(line, region.column);
    if (isBlank(whole)) return line + 1;
    const indent = indentOf(whole);
    const text = whole.slice(indent);
    if (indent > 3) return unsure;
    switch (startOf(text)) {
      case "heading":
        return this.heading(line, region);
      case "break":
        this.add("other", this.lines.begin(line, region.column + indent), line, region.depth);
        return line + 1;
      case "fence":
        return this.code(line, region);
      case "quote":
        return indent > 0 ? unsure : this.#quote(line, region);
      case "list":
        return this.#list(line, region);
      case "html":
        return this.html(line, region);
      case "unsure":
        return unsure;
      case "text":
        if (htmlTag.test(text)) return this.html(line, region);
        if (definition.test(whole)) return this.definitions(line, region);
        return (indent > 0 ? undefined : this.table(line, region)) ?? this.paragraph(line, region);
    }
  }

  #quote(line: number, { to, column, depth }: Region): number {
    let end = line;
    for (; end < to; end++) {
      const text = this.lines.text(end, column);
      if (isBlank(text)) break;
      // A line without its sign may go on with a paragraph of the quote.
      if (!/^>(?: |$)/.test(text)) return unsure;
    }
    this.add("other", this.lines.begin(line, column), end - 1, depth);
    return this.#scan(line, { to: end, column: column + 2, depth: depth + 1 }) ? end : unsure;
  }

  #list(line: number, { to, column, depth }: Region): number {
    const { kind, indent } = this.#item(line, column)!;
    this.add("list", this.lines.begin(line, column + indent), line, depth);
    for (let at = line; at < to;) {
      const item = this.#item(at, column) ?? this.#emptyItem(at, to, column);
      if (item?.kind !== kind) return at;
      this.add("item", this.lines.begin(at, column + item.indent), at, depth + 1);
      let [last, next] = [at, at + 1];
      for (; next < to; next++) {
        const below = this.lines.text(next, column);
        if (isBlank(below)) continue;
        if (indentOf(below) < item.width) break;
        last = next;
      }
      const inside = { to: last + 1, column: column + item.width, depth: depth + 2 };
      if (!this.#scan(at, inside)) return unsure;
      // A line directly below may go on with a paragraph of the item.
      const sibling =
        next > last + 1 || next >= to ? item : (this.#item(next, column) ?? this.#emptyItem(next, to, column));
      if (sibling?.kind !== kind) return unsure;
      at = next;
    }
    return to;
  }

  #item(line: number, column: number): Item | undefined {
    const text = this.lines.text(line, column);
    const [marker = "", space = "", bullet, , delimiter] = itemMarker.exec(text) ?? [];
    const kind = bullet ?? delimiter;
    if (kind === undefined || thematicBreak.test(text.trimStart())) return undefined;
    return { kind, indent: space.length, width: marker.length };
  }

  /** The same of an item that has nothing but its bullet, above another one of its list. */
  #emptyItem(line: number, to: number, column: number): Item | undefined {
    const [, space = "", kind] = /^( {0,3})([-*+])$/.exec(this.lines.text(line, column)) ?? [];
    if (kind === undefined || line + 1 >= to || this.#item(line + 1, column)?.kind !== kind) return undefined;
    return { kind, indent: space.length, width: space.length + 2 };
  }
}
