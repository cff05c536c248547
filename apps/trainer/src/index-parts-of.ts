import { definedOnly, type IEmbedder, type IEngine, PipeError } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { Whitening } from "@pipe/models";
import { openRun } from "@pipe/persist";
import {
  builtInModules,
  embedderOf,
  type IndexParts,
  type IndexPartsConfig,
  loadExperiment,
  openIndexParts,
  openTrainedModel,
} from "@pipe/pipeline";
import { engineFor, openEngine } from "./engine.ts";
import type { Host } from "./host.ts";
import { checkpointOf, keepWhitening, readWhitening } from "./index/whitening-file.ts";

/** Sample texts of a whitening for each dimension, at most: more change little, and each must be embedded. */
const samplePerDimension = 16;

type Configured = { readonly config: IndexPartsConfig; readonly components: ComponentFactory };

/** What an index is opened with of a run. */
export type RunPartsOptions = {
  readonly index: string;
  readonly run: string;
  /** Kind of the engine that runs the model; default the one that the run was trained on. */
  readonly engine?: string | undefined;
  /**
   * Texts, so many at most, from which the newest weights get a whitening, unless the index keeps theirs already. Without it
   * the model is that of the whitening that the index keeps, or the newest where it keeps none.
   */
  readonly sample?: ((most: number) => Promise<readonly string[]>) | undefined;
};

/** The parts of an index that a run is configured with, by default its model; the engine starts only where that is asked for. */
export async function openRunParts(host: Pick<Host, "env">, options: RunPartsOptions): Promise<IndexParts> {
  const { index, run, engine: kind, sample } = options;
  const { config, components } = await configuredBy(run);
  const made = config.embedder?.kind ?? "model";
  if (sample !== undefined && made !== "model") {
    throw new PipeError("whitening-unsupported", "Only vectors of the run's own model can be whitened.", {
      expected: "model",
      got: made,
      where: "indexing.embedder",
      fix: "leave --whiten out",
    });
  }
  const model = async (): Promise<IEmbedder & AsyncDisposable> => {
    const engine = await openEngine(host, await engineFor(run, kind));
    try {
      const embedder = await openModelEmbedder(engine, options);
      const close = async (): Promise<void> => {
        await embedder[Symbol.asyncDispose]();
        await engine[Symbol.asyncDispose]();
      };
      return { space: embedder.space, embed: embedder.embed.bind(embedder), [Symbol.asyncDispose]: close };
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  };
  return openIndexParts(config, { components, index, model });
}

/** The embedder of a run's model, through the whitening of the index where there is to be one. */
async function openModelEmbedder(
  engine: IEngine,
  { index, run, sample }: RunPartsOptions,
): Promise<IEmbedder & AsyncDisposable> {
  const kept = await readWhitening(index);
  const checkpoint = sample === undefined ? await checkpointOf(run, kept) : undefined;
  const trained = await openTrainedModel(run, engine, checkpoint);
  const plain = embedderOf(trained, engine);
  const { step, dimensions } = plain.space;
  if (kept !== undefined && kept.step === step && kept.whitening.dimensions === dimensions)
    return plain.through(kept.whitening);
  if (sample === undefined) return plain;
  const texts = await sample(samplePerDimension * dimensions);
  const whitening = await Whitening.of(await plain.embed(texts));
  await keepWhitening(index, { ...definedOnly({ step }), whitening });
  return plain.through(whitening);
}

/** What a run's configuration says of its index, with the plug-ins that it names; nothing for weights without a run. */
async function configuredBy(run: string): Promise<Configured> {
  let raw: { readonly indexing?: IndexPartsConfig; readonly [section: string]: unknown };
  try {
    raw = (await openRun(run)).info.config as typeof raw;
  } catch (error) {
    if (PipeError.is(error)) return unconfigured();
    throw error;
  }
  if (raw.indexing?.embedder === undefined && raw.indexing?.store === undefined) return unconfigured();
  const { experiment, components } = await loadExperiment(raw);
  return { config: experiment.indexing, components };
}

function unconfigured(): Configured {
  return { config: {}, components: new ComponentFactory(new ComponentRegistry(), builtInModules) };
}
