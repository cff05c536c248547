import type { IEmbedder } from "../interfaces/indexer.ts";
import type { TestFramework } from "./framework.ts";

const texts = [
  "the cat sat on the mat",
  "Stock markets fell sharply.",
  "日本語のテキスト",
  "  \n",
  "word ".repeat(5000),
];

/** Registers what every {@link IEmbedder} must do. */
export function embedderContract(
  make: () => IEmbedder | Promise<IEmbedder>,
  { describe, it, expect }: TestFramework,
): void {
  describe("IEmbedder", () => {
    it("gives one finite vector of length 1 (or 0) a text, of the dimensions of its space", async () => {
      const embedder = await make();
      const vectors = await embedder.embed(texts);
      expect(vectors.length).toBe(texts.length);
      for (const vector of vectors) {
        expect(vector instanceof Float32Array).toBe(true);
        expect(vector.length).toBe(embedder.space.dimensions);
        expect(vector.every(Number.isFinite)).toBe(true);
        const norm = Math.hypot(...vector);
        expect(Math.min(Math.abs(norm - 1), norm)).toBeLessThan(1e-3);
      }
    });

    it("gives equal texts equal vectors, and nothing for no texts", async () => {
      const embedder = await make();
      const [first, second] = await embedder.embed([texts[0]!, texts[0]!]);
      expect(Array.from(second!)).toEqual(Array.from(first!));
      expect((await embedder.embed([])).length).toBe(0);
    });

    it("places a text next to itself, whatever is embedded with it", async () => {
      const embedder = await make();
      const [alone] = await embedder.embed([texts[1]!]);
      const together = await embedder.embed(texts);
      const product = alone!.reduce((sum, value, i) => sum + value * together[1]![i]!, 0);
      expect(product).toBeGreaterThan(0.99);
    });

    it("names its space", async () => {
      const { id, dimensions } = (await make()).space;
      expect(id === "").toBe(false);
      expect(Number.isInteger(dimensions) && dimensions > 0).toBe(true);
    });

    it("stops for a signal", async () => {
      const reason = new Error("stop");
      const embedder = await make();
      let thrown: unknown;
      try {
        await embedder.embed(texts, AbortSignal.abort(reason));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBe(reason);
    });
  });
}
