import type { IndexProgress } from "@pipe/core";
import type { Output } from "../host.ts";

/** Milliseconds between two lines. */
const PAUSE = 200;

/** Shows on a terminal how far an indexing has come, in one line that is written over, and when it may end. */
export class IndexProgressLine {
  readonly #output: Output;
  readonly #shown: boolean;
  #last = -Infinity;
  #begun: { readonly at: number; readonly embedded: number } | undefined;

  constructor(output: Output) {
    this.#output = output;
    this.#shown = output.isTTY === true;
  }

  update(progress: IndexProgress): void {
    const now = performance.now();
    if (progress.pending > 0) this.#begun ??= { at: now, embedded: progress.embedded };
    if (!this.#shown || now - this.#last < PAUSE) return;
    this.#last = now;
    this.#output.write(`\r\u001b[K${this.text(progress, now)}`);
  }

  /** What the line says. */
  text({ documents, chunks, embedded, pending }: IndexProgress, now: number): string {
    if (pending === 0 || this.#begun === undefined)
      return `${documents} documents read, ${chunks} passages new or changed`;
    const rate = (embedded - this.#begun.embedded) / Math.max(1, now - this.#begun.at);
    const left = rate > 0 ? `, about ${durationOf(pending / rate)} left` : "";
    return `${embedded} of ${embedded + pending} passages embedded${left}`;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown) this.#output.write("\r\u001b[K");
  }
}

function durationOf(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
