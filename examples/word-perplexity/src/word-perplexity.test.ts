import { createComponent } from "@pipe/core";
import { createByteTokenizer } from "@pipe/data";
import * as tf from "@pipe/graph/tf";
import { expect, it } from "vitest";
import plugin from "./index.ts";

const tokenizer = createByteTokenizer();
const services = { has: () => true, get: async <T>(): Promise<T> => tokenizer as T };
const metric = await createComponent(plugin.components, "metric", { kind: "wordPerplexity" }, services);

it("counts the words that end in targets with weight", () => {
  const text = "to be or\nnot  ";
  const ids = Int32Array.from(tokenizer.encode(text));
  const targets = tf.tensor2d(ids, [1, ids.length], "int32");
  const weights = tf.tensor2d(
    Float32Array.from(ids, (_, i) => (i === 2 ? 0 : 1)),
    [1, ids.length],
  );
  const zero = tf.scalar(0);
  const { words } = metric.sums({ lossSum: zero, weight: zero }, { ids: targets, targets, weights });
  // "to" has no weight where it ends; two spaces end one word and one that is empty, letter by letter.
  expect(words!.dataSync()[0]).toBe(4);
});

it("is e to the loss of a word", () => {
  expect(metric.value({ lossSum: 4 * Math.log(50), words: 4 })).toBeCloseTo(50, 9);
  expect(metric.value({ lossSum: 1, words: 0 })).toBeNaN();
});
