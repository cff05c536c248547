import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Services } from "@pipe/core";
import { DataLoaderFactory, DatasetBuilder, type TokenLoader } from "@pipe/data";
import { firstBatches } from "@pipe/train";
import type { ServiceContainer } from "@pipe/di";
import type { Composition } from "./compose.ts";
import { runTokens } from "./run-tokens.ts";
import { spaced } from "./spaced.ts";

/** How often a long reading of text is told. */
const progressMs = 3000;

/** Text → tokens → batches. */
export function addData(container: ServiceContainer, composition: Composition): void {
  const { components, cache, events, signal, random } = composition;
  const { data, training } = composition.experiment;

  container.singleton(runTokens.source, components.bind("source", data.source));
  container.singleton(runTokens.tokenizer, components.bind("tokenizer", data.tokenizer));
  container.singleton(runTokens.dataset, async (services) => {
    const { source, tokenizer, split } = data;
    const key = createHash("sha256").update(JSON.stringify({ source, tokenizer, split })).digest("hex").slice(0, 16);
    const builder = new DatasetBuilder({
      source: await services.get(runTokens.source),
      tokenizer: await services.get(runTokens.tokenizer),
      folder: data.folder ?? join(cache, key),
      split,
    });
    const report = await builder.build({
      signal,
      onProgress: spaced(progressMs, (done) => events.emit("documents-tokenized", done)),
    });
    const { train, validation } = report.splits;
    events.emit("dataset-built", {
      folder: report.folder,
      reused: report.reused,
      train: train.tokens,
      validation: validation.tokens,
    });
    return report;
  });

  const loader =
    (split: "train" | "validation") =>
    async (services: Services): Promise<TokenLoader> =>
      new DataLoaderFactory({ folder: (await services.get(runTokens.dataset)).folder }).create({
        split,
        // A measurement fits where a part of a step fits.
        batch: split === "train" ? training.batch : Math.ceil(training.batch / training.accumulate),
        sequenceLength: data.sequenceLength,
        shuffle: split === "train" && data.shuffle,
        seed: random.split("data").integer(2 ** 32),
        repeat: split === "train",
      });
  container.scoped(runTokens.train, async (services) => {
    const whole = await loader("train")(services);
    const { overfit, batch } = training;
    return overfit === undefined ? whole : { ...firstBatches(whole, overfit), windows: overfit * batch };
  });
  container.scoped(runTokens.validation, loader("validation"));
}
