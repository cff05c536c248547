import { messageOf, type IndexOptions, type IndexReport, type SourceDocument } from "@pipe/core";
import { MarkdownDataSource } from "@pipe/data";
import type { MarkdownIndexer } from "@pipe/indexer";

/** Indexes a folder's markdown; files that cannot be read are reported and kept as they were. */
export function indexFolderInto(
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
  const documents = only === undefined ? source.documents() : those(source.documents(), only);
  return indexer.index(documents, { ...rest, unreadable });
}

async function* those(
  documents: AsyncIterable<SourceDocument>,
  only: ReadonlySet<string>,
): AsyncGenerator<SourceDocument> {
  for await (const document of documents) if (only.has(document.id)) yield document;
}
