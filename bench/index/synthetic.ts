import { Random } from "@pipe/core";

/** Passages, words a passage, and words of the language. */
const passageWords = 100;
const vocabulary = 50_000;
const clusters = 500;

/** Text and vectors of a made-up corpus: words as frequent as in a language, directions around centres. */
export class SyntheticCorpus {
  readonly dimensions = 384;
  readonly #centres: Float32Array[];
  readonly #shares: Float64Array;

  constructor() {
    const random = new Random(7);
    this.#centres = Array.from({ length: clusters }, () => direction(random, this.dimensions));
    this.#shares = new Float64Array(vocabulary);
    let sum = 0;
    for (let rank = 0; rank < vocabulary; rank++) this.#shares[rank] = sum += 1 / (rank + 2.7);
  }

  /** The words of a passage, none of them a stop word. */
  text(passage: number): string {
    const random = new Random(1_000_000 + passage);
    return Array.from({ length: passageWords }, () => this.#word(random)).join(" ");
  }

  /** The direction of a passage; several share a neighbourhood. */
  vector(passage: number): Float32Array {
    return this.#near(passage % clusters, new Random(2_000_000 + passage), 0.7);
  }

  /** What is asked: some words of a passage, and a direction near to its own. */
  query(number: number, passages: number): { readonly text: string; readonly vector: Float32Array } {
    const random = new Random(3_000_000 + number);
    const words = this.text(random.integer(passages)).split(" ");
    const text = Array.from({ length: 6 }, () => words[random.integer(words.length)]!).join(" ");
    return { text, vector: this.#near(random.integer(clusters), random, 0.7) };
  }

  #near(cluster: number, random: Random, spread: number): Float32Array {
    const noise = direction(random, this.dimensions);
    const vector = this.#centres[cluster]!.map((value, at) => value + spread * noise[at]!);
    const norm = Math.hypot(...vector);
    return vector.map((value) => value / norm);
  }

  #word(random: Random): string {
    const wanted = random.uniform() * this.#shares.at(-1)!;
    let [low, high] = [0, vocabulary - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#shares[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return spelt(low);
  }
}

const consonants = "bdfgklmnprtvz";
const vowels = "aou";

/** A word of syllables that no stemmer changes. */
function spelt(rank: number): string {
  let word = "";
  for (let rest = rank + 40; rest > 0; rest = Math.floor(rest / 39)) {
    const syllable = rest % 39;
    word += consonants[Math.floor(syllable / 3)]! + vowels[syllable % 3]!;
  }
  return `${word}k`;
}

function direction(random: Random, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  // Sums of even numbers are near enough to normal ones, and quicker.
  for (let at = 0; at < dimensions; at++) vector[at] = random.uniform() + random.uniform() + random.uniform() - 1.5;
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
