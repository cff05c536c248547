import type { IEmbedder } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
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

type Configured = { readonly config: IndexPartsConfig; readonly components: ComponentFactory };

/** The parts of an index whose vectors a sentence embedding model in a folder makes. */
export function openSentenceModel(index: string, folder: string): Promise<IndexParts> {
  const { components } = unconfigured();
  const model = (): Promise<never> => Promise.reject(new Error("a sentence model needs no run"));
  return openIndexParts({ embedder: { kind: "onnx", folder } }, { components, index, model });
}

/** The parts of an index that a run is configured with, by default its model; the engine starts only where that is asked for. */
export async function openRunParts(
  host: Pick<Host, "env">,
  { index, run, engine: kind }: { readonly index: string; readonly run: string; readonly engine?: string | undefined },
): Promise<IndexParts> {
  const { config, components } = await configuredBy(run);
  const model = async (): Promise<IEmbedder & AsyncDisposable> => {
    const engine = await openEngine(host, await engineFor(run, kind));
    try {
      const embedder = embedderOf(await openTrainedModel(run, engine), engine);
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
