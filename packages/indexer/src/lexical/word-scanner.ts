/** Longer words are not kept: they are data, and are unlikely to come again. */
const longest = 64;
/** Words and places of the table; it begins anew when it has so many. */
const mostKept = 1 << 16;
const slots = 1 << 18;

/** What a character is to a word: nothing, a part of it, or a mark, which only goes on with one. */
const [none, letter, mark] = [1, 2, 3];
/** By UTF-16 unit; 0 where that is not known yet. */
const kinds = new Uint8Array(0x1_0000);

/**
 * Finds words, `[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*`, and remembers a value of each. A word that is known costs no string: it is
 * hashed while it is read and compared where it stands, which is more than twice as fast as cutting words out with that
 * expression and looking them up.
 */
export class WordScanner<T> {
  readonly #make: (word: string) => T;
  readonly #entries = new Int32Array(slots);
  /** Characters of all known words, and where those of each begin; the first place stands for no word. */
  readonly #begins = new Int32Array(mostKept + 2);
  #characters = new Uint16Array(1 << 12);
  #values: T[] = [];

  /** @param make gives the value of a word that is seen for the first time, or again after a while. */
  constructor(make: (word: string) => T) {
    this.#make = make;
    this.#clear();
  }

  /** Calls back with the value of each word of a text, in order. */
  scan(text: string, take: (value: T) => void): void {
    const { length } = text;
    for (let at = 0; at < length;) {
      if (kindAt(text, at) !== letter) {
        at++;
        continue;
      }
      const begin = at;
      let hash = 0;
      for (; at < length; at++) {
        if (kindAt(text, at) === none) break;
        hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
      }
      take(at - begin > longest ? this.#make(text.slice(begin, at)) : this.#valueOf(text, begin, at, hash));
    }
  }

  #valueOf(text: string, begin: number, end: number, hash: number): T {
    let slot = (hash ^ (hash >>> 15)) & (slots - 1);
    for (let entry = this.#entries[slot]!; entry !== 0; entry = this.#entries[slot]!) {
      if (this.#isWord(entry, text, begin, end)) return this.#values[entry]!;
      slot = (slot + 1) & (slots - 1);
    }
    return this.#keep(text, begin, end, slot);
  }

  #isWord(entry: number, text: string, begin: number, end: number): boolean {
    const first = this.#begins[entry]!;
    if (this.#begins[entry + 1]! - first !== end - begin) return false;
    for (let at = begin; at < end; at++) {
      if (this.#characters[first + at - begin] !== text.charCodeAt(at)) return false;
    }
    return true;
  }

  #keep(text: string, begin: number, end: number, slot: number): T {
    const value = this.#make(text.slice(begin, end));
    if (this.#values.length > mostKept) {
      this.#clear();
      return value;
    }
    const entry = this.#values.push(value) - 1;
    const first = this.#begins[entry]!;
    const last = first + end - begin;
    if (last > this.#characters.length) {
      const more = new Uint16Array(2 * last);
      more.set(this.#characters);
      this.#characters = more;
    }
    for (let at = begin; at < end; at++) this.#characters[first + at - begin] = text.charCodeAt(at);
    this.#begins[entry + 1] = last;
    this.#entries[slot] = entry;
    return value;
  }

  #clear(): void {
    this.#entries.fill(0);
    // Entry 0 marks an empty slot.
    this.#values = [undefined as T];
    this.#begins[1] = 0;
  }
}

function kindAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  const kind = kinds[unit]!;
  return kind === 0 ? kindOf(text, at, unit) : kind;
}

function kindOf(text: string, at: number, unit: number): number {
  if (unit >= 0xd800 && unit <= 0xdfff) {
    // Both halves of a pair are what their character is; half a pair is nothing.
    const first = unit >= 0xdc00 ? at - 1 : at;
    const point = first < 0 ? 0 : text.codePointAt(first)!;
    return point > 0xffff ? classify(String.fromCodePoint(point)) : none;
  }
  return (kinds[unit] = classify(String.fromCharCode(unit)));
}

function classify(character: string): number {
  if (/[\p{L}\p{N}_]/u.test(character)) return letter;
  return /\p{M}/u.test(character) ? mark : none;
}
