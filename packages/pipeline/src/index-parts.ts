import { join } from "node:path";
import type { Experiment } from "@pipe/config";
import { definedOnly, type IEmbedder, type IVectorStore, serviceTokens } from "@pipe/core";
import { type ComponentFactory, ServiceContainer } from "@pipe/di";

/** What an experiment says of the parts of its index. */
export type IndexPartsConfig = Pick<Experiment["indexing"], "embedder" | "store">;

/** What makes and what finds the vectors of an index. The index disposes the store, these dispose the rest. */
export type IndexParts = AsyncDisposable & {
  readonly embedder: IEmbedder;
  /** Absent where the index brings its own. */
  readonly vectors?: IVectorStore;
};

/** What the parts of an index may ask for. */
export type IndexPartsOptions = {
  readonly components: ComponentFactory;
  /** Folder of the index. */
  readonly index: string;
  /** Opens the model of the run as an embedder; called once at most, and only where a part asks for it. */
  readonly model: () => Promise<IEmbedder & AsyncDisposable>;
};

/**
 * Makes the embedder and the vector store of an index, by default the model of the run and the index's own store.
 * @throws PipeError `component-missing`, `component-unknown`, `config-invalid`, and what the parts throw.
 */
export async function openIndexParts(
  { embedder: wanted = { kind: "model" }, store }: IndexPartsConfig,
  { components, index, model }: IndexPartsOptions,
): Promise<IndexParts> {
  const services = new ServiceContainer();
  services.value(serviceTokens.graphFolder, join(index, "graphs"));
  services.singleton(serviceTokens.modelEmbedder, model);
  try {
    const embedder = await components.create("embedder", wanted, services);
    const vectors = store === undefined ? undefined : await components.create("store", store, services);
    return {
      embedder,
      ...definedOnly({ vectors }),
      [Symbol.asyncDispose]: async () => {
        // That of the model belongs to the services.
        if (wanted.kind !== "model" && isDisposable(embedder)) await embedder[Symbol.asyncDispose]();
        await services[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await services[Symbol.asyncDispose]();
    throw error;
  }
}

function isDisposable(value: object): value is AsyncDisposable {
  return Symbol.asyncDispose in value;
}
