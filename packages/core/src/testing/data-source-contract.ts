import type { Cursor, IDataSource, SourceDocument } from "../interfaces/data.ts";
import type { TestFramework } from "./framework.ts";

/**
 * Registers what every {@link IDataSource} must do.
 *
 * @param make a source of at least three documents, at least one with text; the same content each time.
 */
export function dataSourceContract(
  make: () => IDataSource | Promise<IDataSource>,
  { describe, it, expect }: TestFramework,
): void {
  describe("IDataSource", () => {
    it("yields documents with distinct ids and well-formed text", async () => {
      const documents = await all(await make());
      expect(documents.length).toBeGreaterThanOrEqual(3);
      expect(new Set(documents.map(({ id }) => id)).size).toBe(documents.length);
      expect(documents.some(({ text }) => text !== "")).toBe(true);
      for (const { path, text } of documents) {
        expect(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)).toBe(false);
        expect(path?.includes("\\") ?? false).toBe(false);
      }
    });

    it("yields the same again, from the same object and from a new one", async () => {
      const source = await make();
      const first = await all(source);
      expect(await all(source)).toEqual(first);
      expect(await all(await make())).toEqual(first);
    });

    it("goes on after each document exactly, from a cursor that was stored as JSON", async () => {
      const documents = await all(await make());
      for (const [index, { cursor }] of documents.entries()) {
        const stored = JSON.parse(JSON.stringify(cursor)) as Cursor;
        expect(stored).toEqual(cursor);
        expect(await all(await make(), stored)).toEqual(documents.slice(index + 1));
      }
    });

    it("keeps iterations apart that run at the same time", async () => {
      const source = await make();
      const expected = await all(source);
      const [left, right] = [source.documents()[Symbol.asyncIterator](), source.documents()[Symbol.asyncIterator]()];
      for (const document of expected) {
        expect((await left.next()).value).toEqual(document);
        expect((await right.next()).value).toEqual(document);
      }
      expect([(await left.next()).done, (await right.next()).done]).toEqual([true, true]);
    });

    it("describes itself the same way twice", async () => {
      const source = await make();
      const info = await source.describe();
      expect(await source.describe()).toEqual(info);
      expect(await (await make()).describe()).toEqual(info);
      expect(info.fingerprint === "").toBe(false);
    });
  });
}

async function all(source: IDataSource, from?: Cursor): Promise<SourceDocument[]> {
  const documents: SourceDocument[] = [];
  for await (const document of source.documents(from)) documents.push(document);
  return documents;
}
