import { messageOf, type IndexOptions, type IndexReport, type SourceDocument } from "@pipe/core";
import { MarkdownDataSource } from "@pipe/data";
import type { MarkdownIndexer } from "@pipe/indexer";

/**
 * Indexes a folder's markdown; files that cannot be read are reported and kept as they were. Of the files that are read
 * alone (`only`), those that are gone and were never indexed are forgotten: nothing of them is left to mend.
 */
export async function indexFolderInto(
  indexer: MarkdownIndexer,
  folder: string,
  options: IndexOptions & { readonly only?: ReadonlySet<string> },
): Promise<IndexReport> {
  const unreadable = new Map<string, string>();
  const { only, ...rest } = options;
  const source = new MarkdownDataSource({
    path: folder,
    onUnreadable: (path, error) => {
      if (only === undefined || only.has(path)) unreadable.set(path, messageOf(error));
    },
  });
  if (only === undefined) return indexer.index(source.documents(), { ...rest, unreadable });
  const missing = new Set(only);
  const report = await indexer.index(those(source.documents(), missing), { ...rest, unreadable });
  const { collection = "default" } = options;
  for (const id of missing)
    if (!unreadable.has(id) && (await indexer.get(id, collection)) === undefined)
      await indexer.remove([id], collection);
  return report;
}

/** Documents of which the ids are wanted; what it has given is taken out of these. */
async function* those(documents: AsyncIterable<SourceDocument>, wanted: Set<string>): AsyncGenerator<SourceDocument> {
  for await (const document of documents) if (wanted.delete(document.id)) yield document;
}
