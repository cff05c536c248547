import type { IndexProgress } from "@pipe/core";
import type { Output } from "../host.ts";
import { StatusLine } from "../status-line.ts";

/** Shows on a terminal how far an indexing has come, and when it may end. */
export class IndexProgressLine implements Disposable {
  readonly #line: StatusLine;
  #begun: { readonly at: number; readonly embedded: number } | undefined;

  constructor(output: Output) {
    this.#line = new StatusLine(output);
  }

  update(progress: IndexProgress): void {
    if (progress.pending > 0) this.#begun ??= { at: performance.now(), embedded: progress.embedded };
    this.#line.show(() => this.text(progress, performance.now()));
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
  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
}

function durationOf(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
