const indexer = new URL("../../../packages/indexer/src/", import.meta.url);
const fixture = async <T>(path: string): Promise<T> =>
  (await import(new URL(`${path}.test.fixture.ts`, indexer).href)) as T;

/** Makes a folder of a model, with more files or other ones. */
type Models = { make(name: string, files?: { readonly [path: string]: unknown }): Promise<string> };

/** The tiny models of the index's own tests, whose words are red, green and blue. */
export async function tinyTextModels() {
  return {
    ...(await fixture<{ tinyModels: (model: Uint8Array) => Models }>("text-model/tiny-models")),
    ...(await fixture<{ tinyModel: Uint8Array }>("embedders/tiny-model")),
    ...(await fixture<{ tinyCrossEncoder: Uint8Array }>("rerankers/tiny-cross-encoder")),
  };
}
