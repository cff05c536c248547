import { Random } from "@pipe/core";
import { permutation } from "./permutation.ts";

/** How windows follow each other. */
export type WindowOrderOptions = {
  /** Tokens of the split. */
  readonly tokens: number;
  /** Targets of a window. */
  readonly length: number;
  /** Tokens from one window's begin to the next one's. */
  readonly stride: number;
  readonly shuffle: boolean;
  readonly repeat: boolean;
  readonly seed: number;
};

/**
 * Which window of tokens is sample number n: a pure function, so that any run can begin anywhere.
 *
 * A single pass covers every target, with a last window that may be short. Epochs that repeat in shuffled order use whole
 * windows only; each shifts all of them by its own phase in [0, stride), so that the seams move.
 */
export class WindowOrder {
  /** Windows of an epoch; 0 where there is nothing to predict. */
  readonly windows: number;
  readonly #options: WindowOrderOptions;
  /** How many phases there are. */
  readonly #phases: number;
  #epoch = -1;
  #phase = 0;
  #permute = (index: number): number => index;

  constructor(options: WindowOrderOptions) {
    this.#options = options;
    const { tokens, length, stride, shuffle, repeat } = options;
    // Places where a whole window of `length` + 1 tokens can begin.
    const places = Math.max(0, tokens - length);
    if (shuffle && repeat) {
      this.windows = places === 0 ? 0 : Math.max(1, Math.floor(places / stride));
      this.#phases = Math.min(stride, places);
    } else {
      this.windows = tokens < 2 ? 0 : Math.max(1, Math.ceil((places - 1) / stride) + 1);
      this.#phases = 1;
    }
  }

  /** Epochs finished before a sample. */
  epochOf(sample: number): number {
    return Math.floor(sample / this.windows);
  }

  /** The first token of a sample's window, and how many of its targets earlier windows have counted already. */
  at(sample: number): { begin: number; counted: number } {
    const epoch = this.epochOf(sample);
    if (epoch !== this.#epoch) this.#enter(epoch);
    const window = this.#permute(sample - epoch * this.windows);
    const { length, stride, repeat } = this.#options;
    return { begin: this.#phase + window * stride, counted: repeat || window === 0 ? 0 : length - stride };
  }

  #enter(epoch: number): void {
    this.#epoch = epoch;
    if (!this.#options.shuffle) return;
    const random = new Random(this.#options.seed).split(`epoch-${epoch}`);
    this.#phase = this.#phases > 1 ? random.integer(this.#phases) : 0;
    this.#permute = permutation(this.windows, random);
  }
}
