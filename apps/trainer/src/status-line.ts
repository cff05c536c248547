import type { Output } from "./host.ts";

/** Milliseconds between two states. */
const PAUSE = 200;

/** One line on a terminal that is written over by each state of what is under way; nothing where the output is no terminal. */
export class StatusLine implements Disposable {
  readonly #output: Output;
  readonly #shown: boolean;
  #last = -Infinity;

  constructor(output: Output) {
    this.#output = output;
    this.#shown = output.isTTY === true;
  }

  /** Shows a state, unless the last one was shown just now. @param text is asked only where it is shown. */
  show(text: () => string): void {
    const now = performance.now();
    if (!this.#shown || now - this.#last < PAUSE) return;
    this.#last = now;
    this.#output.write(`\r\u001b[K${text()}`);
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#shown) this.#output.write("\r\u001b[K");
  }
}
