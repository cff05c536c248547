import { SyntheticCorpus } from "./synthetic.ts";

/** The ten passages with the greatest inner product for each query, by comparing with all. */
export function exactNeighbours(passages: number, queries: number): number[][] {
  const corpus = new SyntheticCorpus();
  const { dimensions } = corpus;
  const matrix = new Float32Array(passages * dimensions);
  for (let at = 0; at < passages; at++) matrix.set(corpus.vector(at), at * dimensions);
  return Array.from({ length: queries }, (_, number) => {
    const { vector } = corpus.query(number, passages);
    const scores = new Float32Array(passages);
    for (let at = 0; at < passages; at++) {
      let score = 0;
      for (let i = 0; i < dimensions; i++) score += matrix[at * dimensions + i]! * vector[i]!;
      scores[at] = score;
    }
    return Array.from(scores.keys())
      .sort((a, b) => scores[b]! - scores[a]!)
      .slice(0, 10);
  });
}
