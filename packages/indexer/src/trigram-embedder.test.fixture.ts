import type { IEmbedder } from "@pipe/core";

/** An embedder that counts hashed character trigrams of words: similar spellings give similar vectors. */
export class TrigramEmbedder implements IEmbedder {
  readonly space: { readonly id: string; readonly step?: number; readonly dimensions: number };
  /** Texts embedded so far. */
  embedded = 0;

  constructor(options: { readonly id?: string; readonly step?: number; readonly dimensions?: number } = {}) {
    const { id = "trigrams", step, dimensions = 256 } = options;
    this.space = { id, dimensions, ...(step === undefined ? {} : { step }) };
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    await Promise.resolve();
    signal?.throwIfAborted();
    this.embedded += texts.length;
    return texts.map((text) => this.#vector(text));
  }

  #vector(text: string): Float32Array {
    const vector = new Float32Array(this.space.dimensions);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
      const padded = ` ${word} `;
      for (let at = 0; at + 3 <= padded.length; at++) {
        let hash = 0x811c9dc5;
        for (let i = at; i < at + 3; i++) hash = Math.imul(hash ^ padded.charCodeAt(i), 0x01000193);
        const place = (hash >>> 0) % vector.length;
        vector[place] = vector[place]! + 1;
      }
    }
    // Frequent trigrams count little more than once.
    for (let i = 0; i < vector.length; i++) vector[i] = Math.sqrt(vector[i]!);
    const norm = Math.hypot(...vector);
    return norm === 0 ? vector : vector.map((value) => value / norm);
  }
}
