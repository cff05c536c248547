/** The lines of a text that end with line feeds, with or without carriage returns before them. */
export class SourceLines {
  readonly #source: string;
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];

  constructor(source: string) {
    this.#source = source;
    for (let begin = 0, next = 0; begin < source.length; begin = next) {
      const end = source.indexOf("\n", begin);
      next = end < 0 ? source.length : end + 1;
      this.#begins.push(begin);
      this.#ends.push(end < 0 ? next : source[end - 1] === "\r" && end > begin ? end - 1 : end);
    }
  }

  get count(): number {
    return this.#begins.length;
  }

  /** What stands in a line from a column on. */
  text(line: number, column: number): string {
    return this.#source.slice(this.begin(line, column), this.end(line));
  }

  /** Where that begins; a short line has nothing there. */
  begin(line: number, column: number): number {
    return Math.min((this.#begins[line] ?? 0) + column, this.end(line));
  }

  /** Where a line ends, without its line end. */
  end(line: number): number {
    return this.#ends[line] ?? 0;
  }
}

/** Spaces at the begin; a tab counts as text. */
export function indentOf(line: string): number {
  let at = 0;
  while (line.charCodeAt(at) === 0x20) at++;
  return at;
}

/** Whether a line has nothing but spaces and tabs. */
export function isBlank(line: string): boolean {
  return /^[ \t]*$/.test(line);
}

/** A line without spaces and tabs around it. */
export function trimmed(line: string): string {
  let [begin, end] = [0, line.length];
  while (begin < end && isSpace(line[begin])) begin++;
  while (end > begin && isSpace(line[end - 1])) end--;
  return line.slice(begin, end);
}

/** Whether a character separates words in markdown's grammar. */
export function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
