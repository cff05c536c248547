import { definedOnly, type ITokenizer, PipeError } from "@pipe/core";
import { generatorOf, openTrainedModel } from "@pipe/pipeline";
import { engineFor, withEngine } from "../engine.ts";
import type { Host } from "../host.ts";
import { indexFolderOf, usableEmbedder, withIndex } from "../markdown-index.ts";
import { rerankerAt } from "../model-folder.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { checkpointFlag, engineFlag, numberFlag, parseCommand, required, usageError, wholeFlag } from "../usage.ts";

/** `pipe generate --run <run>`: continues a prompt, streamed. */
export async function generate(args: readonly string[], host: Host): Promise<number> {
  const { values } = parseCommand(
    args,
    {
      run: { type: "string" },
      checkpoint: { type: "string" },
      prompt: { type: "string", default: "" },
      tokens: { type: "string", default: "200" },
      seed: { type: "string", default: "0" },
      temperature: { type: "string", default: "0.8" },
      "top-k": { type: "string" },
      "top-p": { type: "string" },
      "min-p": { type: "string" },
      "repetition-penalty": { type: "string" },
      stop: { type: "string", multiple: true },
      overflow: { type: "string", default: "slide" },
      engine: { type: "string" },
      context: { type: "string" },
      "context-tokens": { type: "string", default: "256" },
      rerank: { type: "string" },
    },
    0,
  );
  const path = runPath(host, runsDirOf(host, values["runs-dir"]), required("--run", values.run));
  const checkpoint = checkpointFlag(values.checkpoint);
  const { prompt, stop = [], overflow } = values;
  const engine = engineFlag(values.engine);
  if (values.rerank !== undefined && values.context === undefined)
    throw usageError("--rerank orders the passages of an index: --context <index>.");
  const found =
    values.context === undefined
      ? ""
      : await contextOf(host, { ...values, context: values.context, tokens: values["context-tokens"] });
  const options = {
    tokens: wholeFlag("tokens", values.tokens, 1),
    seed: wholeFlag("seed", values.seed),
    temperature: numberFlag("temperature", values.temperature)!,
    stop,
    overflow: overflowFlag(overflow),
    ...definedOnly({
      topK: numberFlag("top-k", values["top-k"]),
      topP: numberFlag("top-p", values["top-p"]),
      minP: numberFlag("min-p", values["min-p"]),
      repetitionPenalty: numberFlag("repetition-penalty", values["repetition-penalty"]),
    }),
  };
  return withEngine(host, await engineFor(path, engine), async (device) => {
    const trained = await openTrainedModel(path, device, checkpoint);
    const generator = generatorOf(trained, device);
    const passages = knownOf(found, trained.tokenizer, host);
    const json = values.json === true;
    const show = (shown: string): void => void (json || host.stdout.write(shown));
    let text = "";
    // The prompt is shown when it is known to be one that the model can go on with.
    let before = prompt;
    for await (const piece of generator.stream(trained.params, { ...options, prompt: passages + prompt })) {
      text += piece;
      show(before + piece);
      before = "";
    }
    show(`${before}\n`);
    const context = passages === "" ? {} : { context: passages };
    if (json) host.stdout.write(`${JSON.stringify({ prompt, text, step: trained.step, ...context })}\n`);
    return 0;
  });
}

/** Passages of an index that belong to a prompt, with an empty line behind them. */
async function contextOf(
  host: Host,
  flags: {
    readonly context: string;
    readonly prompt: string;
    readonly tokens: string;
    readonly rerank?: string | undefined;
  },
): Promise<string> {
  const { context, prompt, tokens, rerank } = flags;
  const index = indexFolderOf(host.cwd, context);
  const budget = wholeFlag("context-tokens", tokens, 1);
  const [run, reranker] = [await usableEmbedder(index, host, "searching"), await rerankerAt(host, rerank)];
  const { text } = await withIndex(host, { index, run, create: false, reranker }, (indexer) =>
    indexer.retrieve(prompt, { tokens: budget }),
  );
  if (text === "") host.stderr.write("warning: the index has nothing to this prompt\n");
  return text === "" ? "" : `${text}\n\n`;
}

/** A context without the characters that the model's tokenizer lacks, as one of single characters may: nobody typed them. */
function knownOf(context: string, tokenizer: ITokenizer, host: Host): string {
  const lacking = [...new Set(context)].filter((character) => {
    try {
      tokenizer.encode(character);
      return false;
    } catch (error) {
      if (PipeError.is(error, "token-unknown")) return true;
      throw error;
    }
  });
  if (lacking.length === 0) return context;
  host.stderr.write(`warning: left out of the context, as the model does not know them: ${lacking.join(" ")}\n`);
  return lacking.reduce((text, character) => text.replaceAll(character, ""), context);
}

function overflowFlag(value: string): "stop" | "slide" {
  if (value === "stop" || value === "slide") return value;
  throw usageError(`--overflow is stop or slide, and got ${value}.`);
}
