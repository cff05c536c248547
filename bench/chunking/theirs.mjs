// How others cut texts: theirs.mjs <folder with node_modules> <tokens> <file> …; prints { splitter: [[passage, …] for each file] }.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [home, budget, ...files] = process.argv.slice(2);
const tokens = Number(budget);
const require = createRequire(join(home, "package.json"));
const bring = (name) => import(pathToFileURL(require.resolve(name)).href);
const texts = files.map((file) => readFileSync(file, "utf8"));
// Four characters a token for everybody.
const lengthFunction = (text) => Math.ceil(text.length / 4);
const result = {};

const { RecursiveCharacterTextSplitter, MarkdownTextSplitter } = await bring("@langchain/textsplitters");
const options = { chunkSize: tokens, chunkOverlap: 0, lengthFunction };
for (const [name, splitter] of [
  ["langchain recursive", new RecursiveCharacterTextSplitter(options)],
  ["langchain markdown", new MarkdownTextSplitter(options)],
]) {
  result[name] = [];
  for (const text of texts) result[name].push(await splitter.splitText(text));
}

const { SentenceSplitter } = await bring("llamaindex");
const tokenizer = { encode: (text) => new Uint32Array(lengthFunction(text)), decode: () => "" };
const sentences = new SentenceSplitter({ chunkSize: tokens, chunkOverlap: 0, tokenizer });
result["llamaindex sentence"] = texts.map((text) => sentences.splitText(text));

const { MDocument } = await bring("@mastra/rag");
for (const strategy of ["recursive", "sentence"]) {
  result[`mastra ${strategy}`] = [];
  for (const text of texts) {
    const sizes =
      strategy === "sentence" ? { maxSize: 4 * tokens, overlap: 0, minSize: 1 } : { maxSize: 4 * tokens, overlap: 0 };
    const chunks = await MDocument.fromText(text).chunk({ strategy, ...sizes });
    result[`mastra ${strategy}`].push(chunks.map((chunk) => chunk.text));
  }
}
console.log(JSON.stringify(result));
