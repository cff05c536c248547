import { type IEmbedder, Random } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { stream, temporaryFolders, withIndexer } from "../index-folder.test.fixture.ts";

const newFolder = temporaryFolders();
const dimensions = 32;

/** Texts about the same number have one vector, whatever letter stands behind it. */
const bySubject: IEmbedder = {
  space: { id: "by subject", dimensions },
  embed: (texts) => Promise.resolve(texts.map((text) => direction(Number(/word(\d+)/.exec(text)?.[1] ?? 0)))),
};
/** All texts have the same vector. */
const blind: IEmbedder = {
  space: { id: "blind", dimensions },
  embed: (texts) => Promise.resolve(texts.map(() => direction(1))),
};

function direction(seed: number): Float32Array {
  const random = new Random(seed);
  const vector = Float32Array.from({ length: dimensions }, () => random.uniform() - 0.5);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** Documents of four sentences, each with a word of its own for the subject or all with the same. */
function documents(letters: readonly [string, string, string, string]): { [path: string]: string } {
  const text = (subject: number): string =>
    letters.map((letter) => `Much can be said here of the word${subject}${letter}.`).join(" ");
  return Object.fromEntries(Array.from({ length: 240 }, (_, subject) => [`${subject}.md`, `${text(subject)}\n`]));
}

async function learnt(embedder: IEmbedder, texts: { readonly [path: string]: string }): Promise<number> {
  return withIndexer({ folder: await newFolder(), embedder }, async (indexer) => {
    await indexer.index(stream(texts));
    const [hit] = await indexer.search("much said", { explain: true });
    return hit!.explain!.fusion!.weight;
  });
}

describe("the share of meaning that a corpus teaches", () => {
  it("is great where other words mean the same, and hardly any where vectors tell nothing apart", async () => {
    expect(await learnt(bySubject, documents(["a", "b", "c", "d"]))).toBe(0.84);
    expect(await learnt(blind, documents(["a", "a", "a", "a"]))).toBeLessThan(0.1);
  });

  it("is learnt later where the embedder fails at its questions", async () => {
    let isDown = true;
    const texts = documents(["a", "b", "c", "d"]);
    const passages = new Set(Object.values(texts).map((text) => text.trim()));
    const unsteady: IEmbedder = {
      space: bySubject.space,
      embed: async (asked) => {
        if (isDown && asked.some((text) => !passages.has(text))) throw new Error("the endpoint is down");
        return bySubject.embed(asked);
      },
    };
    await withIndexer({ folder: await newFolder(), embedder: unsteady }, async (indexer) => {
      expect(await indexer.index(stream(texts))).toMatchObject({ embedded: 240, failures: [] });
      isDown = false;
      const weight = async (): Promise<number> =>
        (await indexer.search("much said", { explain: true }))[0]!.explain!.fusion!.weight;
      expect(await weight()).toBe(0.6);
      await indexer.index(stream(texts));
      expect(await weight()).toBe(0.84);
    });
  });

  it("is not learnt in a corpus of few passages", async () => {
    const few = Object.fromEntries(Object.entries(documents(["a", "b", "c", "d"])).slice(0, 150));
    expect(await learnt(bySubject, few)).toBe(0.6);
  });
});
