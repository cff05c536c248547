/** Ends a text at the first of several strings, which do not belong to it. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** What may be shown of the text so far, and whether a stop has come; what could begin one is held back. */
  push(piece: string): { readonly text: string; readonly stopped: boolean } {
    const all = this.#held + piece;
    const places = this.#stops.map((stop) => all.indexOf(stop)).filter((place) => place >= 0);
    if (places.length > 0) {
      this.#held = "";
      return { text: all.slice(0, Math.min(...places)), stopped: true };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - held);
    return { text: all.slice(0, all.length - held), stopped: false };
  }

  /** What was held back. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
