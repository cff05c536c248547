import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolders } from "../index-folder.test.fixture.ts";
import { contentOf } from "../document-processor.ts";
import { putDocument, removeDocument } from "../store/document-table.ts";
import { IndexDatabase } from "../store/index-database.ts";
import { inverseFrequency, lengthNorm, termFactor } from "./bm25.ts";
import { LexicalReader } from "./lexical-reader.ts";
import { LexicalWriter } from "./lexical-writer.ts";
import { decodePostings, encodePostings } from "./postings.ts";
import { stem } from "./stem.ts";
import { eachTerm, queryTerms } from "./terms.ts";

const newFolder = temporaryFolders();

function termsOf(text: string): string[] {
  const terms: string[] = [];
  eachTerm(text, (term) => void terms.push(term));
  return terms;
}

describe("stem", () => {
  // Pairs of Porter's paper and its sample vocabulary.
  it.each(
    Object.entries({
      caresses: "caress",
      ponies: "poni",
      ties: "ti",
      caress: "caress",
      cats: "cat",
      feed: "feed",
      agreed: "agre",
      plastered: "plaster",
      bled: "bled",
      motoring: "motor",
      sing: "sing",
      conflated: "conflat",
      troubled: "troubl",
      sized: "size",
      hopping: "hop",
      tanned: "tan",
      falling: "fall",
      hissing: "hiss",
      fizzed: "fizz",
      failing: "fail",
      filing: "file",
      happy: "happi",
      sky: "sky",
      relational: "relat",
      conditional: "condit",
      rational: "ration",
      valenci: "valenc",
      digitizer: "digit",
      operator: "oper",
      feudalism: "feudal",
      decisiveness: "decis",
      hopefulness: "hope",
      callousness: "callous",
      formaliti: "formal",
      sensitiviti: "sensit",
      sensibiliti: "sensibl",
      triplicate: "triplic",
      formative: "form",
      formalize: "formal",
      electriciti: "electr",
      electrical: "electr",
      hopeful: "hope",
      goodness: "good",
      revival: "reviv",
      allowance: "allow",
      inference: "infer",
      airliner: "airlin",
      adjustable: "adjust",
      defensible: "defens",
      irritant: "irrit",
      replacement: "replac",
      adjustment: "adjust",
      dependent: "depend",
      adoption: "adopt",
      communism: "commun",
      activate: "activ",
      angulariti: "angular",
      homologous: "homolog",
      effective: "effect",
      bowdlerize: "bowdler",
      probate: "probat",
      rate: "rate",
      cease: "ceas",
      controll: "control",
      roll: "roll",
      is: "is",
    }),
  )("%s → %s", (word, expected) => expect(stem(word)).toBe(expected));

  it("leaves other scripts and numbers alone", () => {
    for (const word of ["größen", "utf8", "日本", "x1s"]) expect(stem(word)).toBe(word);
  });
});

describe("terms", () => {
  it("gives names of code whole and in parts", () => {
    expect(termsOf("call parseHTMLDocument(max_row_count) in UTF8")).toEqual([
      ...[
        "call",
        "parsehtmldocument",
        "pars",
        "html",
        "document",
        "max_row_count",
        "max",
        "row",
        "count",
        "in",
        "utf8",
      ],
    ]);
    expect(termsOf("_private __x__")).toEqual(["privat", "x"]);
  });

  it("gives pairs of characters where there are no spaces", () => {
    expect(termsOf("東京都 a ไทย 字")).toEqual(["東京", "京都", "a", "ไท", "ทย", "字"]);
  });

  it("keeps stop words of a query only where it has nothing else", () => {
    expect(queryTerms("what is the largest planet of the planets")).toEqual(["largest", "planet"]);
    expect(queryTerms("to be or not to be")).toEqual(["to", "be", "or", "not"]);
    expect(queryTerms("?!")).toEqual([]);
    expect(queryTerms(Array.from({ length: 100 }, (_, n) => `w${n}`).join(" "))).toHaveLength(64);
  });

  it("takes any text, well-formed or not", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        for (const term of termsOf(text)) {
          expect(term.isWellFormed()).toBe(true);
          expect(term.length).toBeLessThanOrEqual(64);
        }
      }),
    );
    expect(termsOf("𝒜".repeat(40))[0]!.isWellFormed()).toBe(true);
  });
});

describe("postings", () => {
  it("come back as they went in", () => {
    const pairs = fc
      .uniqueArray(fc.nat(2 ** 31 - 1), { minLength: 1 })
      .chain((ordinals) =>
        fc
          .array(fc.integer({ min: 1, max: 0xffff }), { minLength: ordinals.length, maxLength: ordinals.length })
          .map((counts) => ordinals.toSorted((a, b) => a - b).flatMap((ordinal, at) => [ordinal, counts[at]!])),
      );
    fc.assert(
      fc.property(pairs, (flat) => {
        const { ordinals, counts } = decodePostings(encodePostings(flat), flat.length / 2);
        expect([...ordinals].flatMap((ordinal, at) => [ordinal, counts[at]!])).toEqual(flat);
      }),
    );
  });
});

/** BM25 by its formula, over plain texts. */
function scoresOf(texts: ReadonlyMap<string, string>, query: string): Map<string, number> {
  const all = [...texts].map(([id, text]) => {
    const terms: { term: string; stop: boolean }[] = [];
    eachTerm(text, (term, stop) => void terms.push({ term, stop }));
    return { id, terms, length: terms.filter(({ stop }) => !stop).length };
  });
  const mean = Math.max(1, all.reduce((sum, { length }) => sum + length, 0) / Math.max(1, all.length));
  const scores = new Map<string, number>();
  for (const wanted of queryTerms(query)) {
    const matching = all.filter(({ terms }) => terms.some(({ term }) => term === wanted));
    for (const { id, terms, length } of matching) {
      const count = terms.filter(({ term }) => term === wanted).length;
      const part =
        (termFactor(inverseFrequency(matching.length, all.length)) * count) / (count + lengthNorm(length, mean));
      scores.set(id, (scores.get(id) ?? 0) + part);
    }
  }
  return scores;
}

describe("LexicalReader", () => {
  it("ranks as BM25 does, whatever was added, changed, removed and merged", async () => {
    const words = ["cat", "cats", "dog", "the", "of", "tea", "teaPot", "running", "ran"];
    const text = fc.array(fc.constantFrom(...words), { minLength: 0, maxLength: 12 }).map((list) => list.join(" "));
    const step = fc.record({ id: fc.nat(30).map(String), text: fc.option(text, { nil: undefined }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 25 }),
        text,
        fc.boolean(),
        async (rounds, query, isCompact) => {
          const database = new IndexDatabase(await newFolder(), true);
          const [writer, reader] = [new LexicalWriter(database), new LexicalReader(database)];
          const texts = new Map<string, string>();
          for (const round of rounds) {
            database.write(() => {
              for (const { id, text } of round) {
                texts.delete(id);
                removeDocument(database, "default", id);
                if (text === undefined) continue;
                texts.set(id, text);
                const chunk = {
                  begin: 0,
                  end: 0,
                  line: 1,
                  heading: [],
                  context: "",
                  text,
                  content: contentOf("", text),
                };
                const document = { id, path: id, hash: text, content: text, chunks: [chunk] };
                putDocument(database, writer, "default", document);
              }
              writer.flush();
            });
            // A reader that follows sees the same as one that begins at the end.
            if (round.length % 2 === 0) database.read(() => reader.refresh());
          }
          if (isCompact) database.write(() => writer.compact());
          const names = new Map<number, string>();
          const found = database.read(() => {
            reader.refresh();
            for (const row of database
              .sql("SELECT chunks.id AS chunk, documents.id AS id FROM chunks JOIN documents ON number = document")
              .all())
              names.set(row["chunk"] as number, row["id"] as string);
            return reader.search(queryTerms(query), 100);
          });
          const expected = scoresOf(texts, query);
          expect(new Set(found.map(({ key }) => names.get(key)))).toEqual(new Set(expected.keys()));
          for (const { key, score } of found) expect(score).toBeCloseTo(expected.get(names.get(key)!)!, 4);
          expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).toSorted((a, b) => b - a));
          // Twice: what was counted is remembered.
          expect(database.read(() => reader.search(queryTerms(query), 100))).toEqual(found);
          const parts = database.read(() => reader.scoresOf(queryTerms(query), [...names.keys()]));
          for (const { key, score } of parts) expect(score).toBeCloseTo(expected.get(names.get(key)!) ?? 0, 4);
          database.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it("merges many small segments, also where text lies beyond the first plane", async () => {
    const database = new IndexDatabase(await newFolder(), true);
    const writer = new LexicalWriter(database);
    for (let round = 0; round < 70; round++) {
      database.write(() => {
        for (const each of [0, 1]) {
          const text = `number${round} 𐐨${round % 3} ｚ even${each}`;
          const chunk = { begin: 0, end: 0, line: 1, heading: [], context: "", text, content: contentOf("", text) };
          const id = `${round}-${each}`;
          putDocument(database, writer, "default", { id, path: id, hash: id, content: id, chunks: [chunk] });
        }
        writer.flush();
      });
    }
    expect(database.number("SELECT count(*) AS n FROM segments")).toBeLessThan(20);
    const reader = new LexicalReader(database);
    const count = (term: string): number =>
      database.read(() => {
        reader.refresh();
        return reader.search([term], 1000).length;
      });
    expect(count("number69")).toBe(2);
    expect(count("even0")).toBe(70);
    expect(count("𐐨0")).toBe(48);
    // Nothing is left of what is gone.
    database.write(() => {
      database.sql("DELETE FROM documents").run();
      writer.compact();
    });
    expect([count("even0"), database.number("SELECT count(*) AS n FROM postings")]).toEqual([0, 0]);
    database.close();
  });
});
