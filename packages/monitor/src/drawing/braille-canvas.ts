/** How a cell looks; what is drawn later covers what is there. */
export type Look = { readonly color: number; readonly faint: boolean };

type Cell = { dots: number; mark: string | undefined; look: Look };
type Place = readonly [x: number, y: number];

/** Bits of a braille character by column and row of its dots. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Draws with two by four dots a character; places run from 0 to 1, from the left and from below. */
export class BrailleCanvas {
  readonly #columns: number;
  readonly #rows: number;
  readonly #cells: (Cell | undefined)[];

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#cells = Array.from({ length: columns * rows }, () => undefined);
  }

  /** Draws a straight line; what lies outside is cut off. */
  line(from: Place, to: Place, look: Look): void {
    const [x0, y0] = this.#dot(from);
    const [x1, y1] = this.#dot(to);
    const count = Math.max(Math.abs(x1 - x0), Math.min(Math.abs(y1 - y0), 8 * this.#rows), 1);
    for (let i = 0; i <= count; i++) {
      this.#set(Math.round(x0 + ((x1 - x0) * i) / count), Math.round(y0 + ((y1 - y0) * i) / count), look);
    }
  }

  /** Puts a character at a place. */
  mark(at: Place, mark: string, look: Look): void {
    const [x, y] = this.#dot(at);
    const cell = this.#cell(x >> 1, y >> 2, look);
    if (cell !== undefined) cell.mark = mark;
  }

  /** The rows from above; runs of cells that look the same are painted at once. */
  rows(paint: (text: string, look: Look) => string): readonly string[] {
    return Array.from({ length: this.#rows }, (_, row) => {
      let text = "";
      let piece = "";
      let look: Look | undefined;
      const flush = (): void => {
        text += look === undefined ? piece : paint(piece, look);
        piece = "";
      };
      for (const cell of this.#cells.slice(row * this.#columns, (row + 1) * this.#columns)) {
        if (cell?.look.color !== look?.color || cell?.look.faint !== look?.faint) {
          flush();
          look = cell?.look;
        }
        piece += cell === undefined ? " " : (cell.mark ?? String.fromCharCode(0x2800 + cell.dots));
      }
      flush();
      return text;
    });
  }

  #dot([x, y]: Place): readonly [number, number] {
    return [Math.round(x * (2 * this.#columns - 1)), Math.round((1 - y) * (4 * this.#rows - 1))];
  }

  #set(x: number, y: number, look: Look): void {
    const cell = this.#cell(x >> 1, y >> 2, look);
    if (cell !== undefined) cell.dots |= DOTS[(x & 1) as 0 | 1][(y & 3) as 0 | 1 | 2 | 3];
  }

  #cell(column: number, row: number, look: Look): Cell | undefined {
    if (column < 0 || column >= this.#columns || row < 0 || row >= this.#rows) return undefined;
    const index = row * this.#columns + column;
    const cell = (this.#cells[index] ??= { dots: 0, mark: undefined, look });
    cell.look = look;
    return cell;
  }
}
