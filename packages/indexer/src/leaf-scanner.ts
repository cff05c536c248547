import { definition, endsParagraph, startOf, underline } from "./line-start.ts";
import type { Block } from "./markdown-blocks.ts";
import { indentOf, isBlank, isSpace, SourceLines, trimmed } from "./source-lines.ts";

/** Where lines are read: the line behind the last, the column where the content of the container begins, and its depth. */
export type Region = { readonly to: number; readonly column: number; readonly depth: number };

/** In place of the next line: the text may mean something that is not known here. */
export const unsure = -1;

const tableRow = /^\|.*\|[ \t]*$/s;
const delimiterRow = /^\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*$/;
const escapes = /[\\&\0]/;

/** Reads blocks that contain no others; each function returns the line behind its block, or {@link unsure}. */
export class LeafScanner {
  readonly blocks: Block[] = [];
  /** Definitions of the names that links may refer to. */
  readonly names: string[] = [];
  protected readonly lines: SourceLines;

  constructor(source: string) {
    this.lines = new SourceLines(source);
  }

  /** Adds a block up to the end of a line. */
  protected add(kind: Block["kind"], begin: number, last: number, depth: number): Block {
    const block: Block = { kind, begin, end: this.lines.end(last), depth, level: 0, text: "" };
    this.blocks.push(block);
    return block;
  }

  protected heading(line: number, { column, depth }: Region): number {
    const text = this.lines.text(line, column);
    const indent = indentOf(text);
    const block = this.add("heading", this.lines.begin(line, column + indent), line, depth);
    block.level = text.slice(indent).search(/[^#]|$/);
    block.text = headingText(text.slice(indent + block.level));
    return line + 1;
  }

  protected code(line: number, { to, column, depth }: Region): number {
    const text = this.lines.text(line, column);
    const indent = indentOf(text);
    const [, opening = "", info = ""] = /^(`+|~+)[ \t]*([^ \t]*)/.exec(text.slice(indent))!;
    if (escapes.test(info)) return unsure;
    for (let last = line + 1; last < to; last++) {
      const below = this.lines.text(last, column);
      const at = indentOf(below);
      if (at > 3 || !below.startsWith(opening, at) || !/^(?:`+|~+)[ \t]*$/.test(below.slice(at))) continue;
      this.add("code", this.lines.begin(line, column + indent), last, depth).text = info;
      return last + 1;
    }
    return unsure;
  }

  protected html(line: number, { to, column, depth }: Region): number {
    const isComment = this.lines.text(line, column).trimStart().startsWith("<!--");
    let last = line;
    if (isComment) while (last < to && !this.lines.text(last, column).includes("-->")) last++;
    else while (last + 1 < to && !isBlank(this.lines.text(last + 1, column))) last++;
    if (last >= to) return unsure;
    this.add("other", this.lines.begin(line, column), last, depth);
    return last + 1;
  }

  /** Nothing where the lines are no table. */
  protected table(line: number, { to, column, depth }: Region): number | undefined {
    const [head, delimiters] = [this.lines.text(line, column), this.lines.text(line + 1, column)];
    if (line + 1 >= to || !delimiterRow.test(delimiters)) return undefined;
    const columns = head.split("|").length;
    if (!tableRow.test(head) || head.includes("\\") || columns !== delimiters.split("|").length) return unsure;
    let end = line + 2;
    for (; end < to; end++) {
      const text = this.lines.text(end, column);
      if (isBlank(text)) break;
      if (text[0] !== "|") return unsure;
    }
    this.add("table", this.lines.begin(line, column), end - 1, depth);
    return end;
  }

  protected definitions(line: number, { to, column, depth }: Region): number {
    let end = line;
    for (; end < to; end++) {
      const text = this.lines.text(end, column);
      if (isBlank(text)) break;
      const name = definition.exec(text)?.[1];
      // A title may stand in a line of its own.
      if (name === undefined) return unsure;
      this.names.push(`[${name}]: x`);
      this.add("other", this.lines.begin(end, column + indentOf(text)), end, depth);
    }
    return end;
  }

  /** Also a heading whose line is underlined. */
  protected paragraph(line: number, { to, column, depth }: Region): number {
    const first = this.lines.text(line, column);
    const begin = this.lines.begin(line, column + indentOf(first));
    let mayDefine = trimmed(first).startsWith("[") && first.includes("]:");
    let end = line + 1;
    for (; end < to; end++) {
      const whole = this.lines.text(end, column);
      if (isBlank(whole)) break;
      const indent = indentOf(whole);
      const text = whole.slice(indent);
      if (end === line + 1 && indent < 4 && !mayDefine && /^(?:=+|-+)[ \t]*$/.test(text)) {
        const heading = this.add("heading", begin, end, depth);
        heading.level = text[0] === "=" ? 1 : 2;
        heading.text = trimmed(first);
        return end + 1;
      }
      const start = startOf(text);
      if (underline.test(text) || start === "unsure") return unsure;
      if (start !== "text" && indent < 4) {
        if ((start === "list" || start === "quote") && !endsParagraph(text)) return unsure;
        break;
      }
      mayDefine ||= first.trimStart()[0] === "[" && whole.includes("]:");
    }
    if (mayDefine) return unsure;
    this.add("other", begin, end - 1, depth);
    return end;
  }
}

/** What a heading says, without the signs that may close it. */
function headingText(line: string): string {
  const text = trimmed(line);
  let end = text.length;
  while (text[end - 1] === "#") end--;
  return end === 0 || isSpace(text[end - 1]) ? trimmed(text.slice(0, end)) : text;
}
