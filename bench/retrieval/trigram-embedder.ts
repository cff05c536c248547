import type { IEmbedder } from "@pipe/core";

/** A weak embedder, on purpose: it counts hashed trigrams of letters and knows nothing of meaning. */
export const trigramEmbedder: IEmbedder = {
  space: { id: "trigrams", dimensions: 256 },
  embed: (texts) => Promise.resolve(texts.map(vectorOf)),
};

function vectorOf(text: string): Float32Array {
  const vector = new Float32Array(trigramEmbedder.space.dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const padded = ` ${word} `;
    for (let at = 0; at + 3 <= padded.length; at++) {
      let hash = 0x811c9dc5;
      for (let i = at; i < at + 3; i++) hash = Math.imul(hash ^ padded.charCodeAt(i), 0x01000193);
      const place = (hash >>> 0) % vector.length;
      vector[place] = vector[place]! + 1;
    }
  }
  for (let i = 0; i < vector.length; i++) vector[i] = Math.sqrt(vector[i]!);
  const norm = Math.hypot(...vector);
  return norm === 0 ? vector : vector.map((value) => value / norm);
}
