import { PipeError } from "@pipe/core";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { normalised } from "./normalised.ts";
import { readSentenceFiles, type SentenceFiles } from "./sentence-files.ts";

/** What {@link createSentenceHost} opens. */
export type SentenceOptions = {
  readonly folder: string;
  readonly threads?: number;
  readonly maxTokens?: number;
};

type Runtime = typeof import("onnxruntime-node");
type Encoder = { encode(text: string): { readonly ids: readonly (number | undefined)[] } };
type Opened = Pick<SentenceFiles, "pooling" | "maxTokens"> & {
  readonly runtime: Runtime;
  readonly session: InferenceSession;
  readonly tokenizer: Encoder;
};

/** Tokens of one run at most, padding included: more is no faster, and takes memory. */
const runTokens = 2048;

/** What a worker serves: one model, opened once. */
export function createSentenceHost() {
  let opened: Opened;
  return {
    /** Loads a model and measures one vector. */
    async open(options: SentenceOptions): Promise<{ dimensions: number; hash: string; maxTokens: number }> {
      const files = await readSentenceFiles(options.folder);
      const runtime = await load(
        () => import("onnxruntime-node"),
        "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node",
      );
      const { Tokenizer } = await load(() => import("@huggingface/tokenizers"), "npm install @huggingface/tokenizers");
      const { threads } = options;
      const maxTokens = options.maxTokens ?? files.maxTokens;
      try {
        const session = await runtime.InferenceSession.create(files.model, {
          logSeverityLevel: 3,
          ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        });
        opened = { runtime, session, pooling: files.pooling, maxTokens, tokenizer: new Tokenizer(files.tokenizer, {}) };
      } catch (cause) {
        throw new PipeError("embedder-unsupported", "A sentence embedding model could not be loaded.", {
          got: (cause as Error).message,
          where: options.folder,
          cause,
        });
      }
      const [vector] = await embed(opened, ["a"]);
      return { dimensions: vector!.length, hash: files.hash, maxTokens };
    },
    embed: (texts: readonly string[]): Promise<readonly Float32Array[]> => embed(opened, texts),
  };
}

/** What the worker of a sentence embedder serves. */
export type SentenceApi = ReturnType<typeof createSentenceHost>;

async function load<M>(bring: () => Promise<M>, install: string): Promise<M> {
  try {
    return await bring();
  } catch (cause) {
    throw new PipeError("embedder-missing", "A package that runs sentence embedding models is not installed.", {
      got: (cause as Error).message,
      fix: install,
      cause,
    });
  }
}

/** Texts of similar length run together, so that little is padded. */
async function embed(opened: Opened, texts: readonly string[]): Promise<readonly Float32Array[]> {
  const encoded = texts.map((text, place) => ({ place, ids: encode(opened, text) }));
  encoded.sort((a, b) => a.ids.length - b.ids.length);
  const vectors: Float32Array[] = [];
  for (let begin = 0; begin < encoded.length;) {
    let end = begin + 1;
    while (end < encoded.length && (end + 1 - begin) * encoded[end]!.ids.length <= runTokens) end++;
    const group = encoded.slice(begin, end);
    const made = await run(
      opened,
      group.map(({ ids }) => ids),
    );
    group.forEach(({ place }, row) => (vectors[place] = made[row]!));
    begin = end;
  }
  return vectors;
}

/** Token ids, cut so that the closing special token stays. */
function encode({ tokenizer, maxTokens }: Opened, text: string): readonly number[] {
  // A vocabulary without a token for unknown words gives none.
  const ids = tokenizer.encode(text).ids.filter((id) => id !== undefined);
  return ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids.at(-1)!];
}

async function run(
  { runtime, session, pooling }: Opened,
  rows: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const length = Math.max(...rows.map((ids) => ids.length));
  const [ids, mask] = [new BigInt64Array(rows.length * length), new BigInt64Array(rows.length * length)];
  rows.forEach((row, r) =>
    row.forEach((id, t) => {
      ids[r * length + t] = BigInt(id);
      mask[r * length + t] = 1n;
    }),
  );
  const tensor = (data: BigInt64Array): Tensor => new runtime.Tensor("int64", data, [rows.length, length]);
  const inputs: { [name: string]: Tensor } = { input_ids: tensor(ids), attention_mask: tensor(mask) };
  if (session.inputNames.includes("token_type_ids")) inputs["token_type_ids"] = tensor(new BigInt64Array(ids.length));
  const states = (await session.run(inputs, [session.outputNames[0]!]))[session.outputNames[0]!]!;
  const width = states.dims.at(-1)!;
  const data = states.data as Float32Array;
  return rows.map((row, r) => {
    const vector = new Float32Array(width);
    const tokens = pooling === "cls" ? 1 : row.length;
    for (let t = 0; t < tokens; t++) {
      const at = (r * length + t) * width;
      for (let c = 0; c < width; c++) vector[c]! += data[at + c]!;
    }
    return normalised(vector);
  });
}
