import { MarkdownDataSource } from "@pipe/data";
import { DocumentProcessor, MarkdownParser, SectionStrategy } from "@pipe/indexer";
import { whiteningStep } from "./whitening-file.ts";

/**
 * What a whitening is estimated from, where the vectors of an index are to have one: it was asked for, or the index has one
 * already and stays so, with one that fits the newest weights.
 */
export async function sampleFor(
  index: string,
  folder: string,
  isAsked: boolean,
): Promise<((most: number) => Promise<readonly string[]>) | undefined> {
  const isWhite = isAsked || (await whiteningStep(index)) !== undefined;
  return isWhite ? (most) => samplePassages(folder, most) : undefined;
}

/**
 * Passages of a folder's markdown from its beginning to its end, at even distances, so many at most: always the same of the
 * same files. Files that cannot be read are passed over, as indexing names them.
 */
async function samplePassages(folder: string, most: number): Promise<readonly string[]> {
  const processor = new DocumentProcessor({ parser: new MarkdownParser(), strategy: new SectionStrategy() });
  const source = new MarkdownDataSource({ path: folder, onUnreadable: () => undefined });
  const passages: string[] = [];
  for await (const document of source.documents())
    for (const { text } of processor.process(document).chunks) passages.push(text);
  if (passages.length <= most) return passages;
  return Array.from({ length: most }, (_, at) => passages[Math.floor((at * passages.length) / most)]!);
}
