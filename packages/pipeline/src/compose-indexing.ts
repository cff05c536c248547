import { dirname, join } from "node:path";
import type { IEmbedder, IStage, ModelState, Services } from "@pipe/core";
import { definedOnly, messageOf, PipeError } from "@pipe/core";
import { MarkdownDataSource } from "@pipe/data";
import type { ServiceContainer } from "@pipe/di";
import { GPT2Model, ModelEmbedder } from "@pipe/models";
import type { Composition } from "./compose.ts";
import { IndexAlong } from "./index-along.ts";
import { openIndexParts } from "./index-parts.ts";
import { runTokens } from "./run-tokens.ts";

/** The index that learns along, where the experiment asks for it. */
export function addIndexing(container: ServiceContainer, composition: Composition): void {
  const { experiment, components, checkpoints, distributed, events } = composition;
  const { during, documents, folder, strategy } = experiment.indexing;
  if (during === undefined || !distributed.isMain) return;
  container.scoped(runTokens.indexAlong, async (services) => {
    const loader = await services.get(runTokens.train);
    const { MarkdownIndexer } = await importIndexer();
    const index = join(dirname(checkpoints), "index");
    let follow: (state: ModelState) => void = () => undefined;
    const parts = await openIndexParts(experiment.indexing, {
      components,
      index,
      model: async () => {
        const following = await followingEmbedder(services);
        ({ follow } = following);
        return following.embedder;
      },
    });
    const { embedder, vectors } = parts;
    const onUnreadable = (path: string, error: unknown): void =>
      events.emit("warning", { source: "index", message: `${path}: ${messageOf(error)}` });
    return new IndexAlong({
      ...during,
      open: () => MarkdownIndexer.open({ folder: index, embedder, strategy, ...definedOnly({ vectors }) }),
      follow: (state) => follow(state),
      parts,
      ...(folder === undefined
        ? {}
        : { documents: new MarkdownDataSource({ path: folder, onUnreadable }).documents() }),
      ...(documents === true ? { text: loader.text.bind(loader) } : {}),
    });
  });
}

/** The stage of the index, where there is one. */
export async function indexing(container: ServiceContainer, services: Services): Promise<readonly IStage[]> {
  return container.has(runTokens.indexAlong) ? [await services.get(runTokens.indexAlong)] : [];
}

/** An embedder whose weights are those of the state that it was told of last. */
async function followingEmbedder(
  services: Services,
): Promise<{ readonly embedder: IEmbedder & AsyncDisposable; readonly follow: (state: ModelState) => void }> {
  const [engine, model, tokenizer, { state }] = await Promise.all([
    services.get(runTokens.engine),
    services.get(runTokens.model),
    services.get(runTokens.tokenizer),
    services.get(runTokens.step),
  ]);
  if (!(model instanceof GPT2Model)) {
    throw new PipeError("indexing-unsupported", "A model of this kind gives no vectors for an index.", {
      expected: "gpt2",
      got: model.kind,
      where: "indexing.during",
      fix: "leave indexing.during out",
    });
  }
  const { width, positions: window } = model.options;
  const first = new ModelEmbedder({ engine, model, tokenizer, width, window, params: state.params, step: state.step });
  let current = first;
  return {
    embedder: {
      get space() {
        return current.space;
      },
      embed: (texts, signal) => current.embed(texts, signal),
      [Symbol.asyncDispose]: () => first[Symbol.asyncDispose](),
    },
    follow: ({ params, step }) => void (current = first.at(params, step)),
  };
}

/** Imports a package that is installed only where somebody wants to search. */
async function importIndexer(): Promise<typeof import("@pipe/indexer")> {
  try {
    return await import("@pipe/indexer");
  } catch (cause) {
    throw new PipeError("component-missing", "This recipe indexes while it trains, and the index is not installed.", {
      where: "indexing.during",
      got: messageOf(cause),
      fix: "npm install @pipe/indexer",
      cause,
    });
  }
}
