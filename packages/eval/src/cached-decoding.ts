import type { DeviceTensor, IDecoder, IEngine, IExecutable, Params } from "@pipe/core";
import { specsOf } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { bucketOf, type Decoding, type DecodingSession, type ModelParams, padded } from "./decoding.ts";
import { ProgramCache } from "./program-cache.ts";

type Cache = { readonly [name: string]: DeviceTensor };
type Step = { readonly logits: tf.Tensor; readonly cache: Params };
type PrefillInputs = { readonly params: Params; readonly ids: tf.Tensor; readonly lengths: tf.Tensor };
type DecodeInputs = { params: Params; ids: tf.Tensor; positions: tf.Tensor; cache: Params };
type Contexts = readonly (readonly number[])[];

const context = (): ReturnType<typeof forwardContext> =>
  forwardContext({ training: false, seed: tf.zeros([2], "int32") });

/**
 * Decodes with a cache of keys and values. Prompts are read by a program for each power of two; a token is read by one
 * for each number of rows and each capacity of the cache, which is written in place and doubled when it is full.
 */
export function cachedDecoding(engine: IEngine, decoder: IDecoder, limit: number): Decoding {
  const positions = Math.min(limit, decoder.maxPositions);
  const programs = new ProgramCache();
  const vector = (rows: number) => ({ shape: [rows], dtype: "int32" }) as const;

  const prefill = (params: ModelParams, rows: number, length: number): Promise<IExecutable<PrefillInputs, Step>> =>
    programs.get(`prefill ${rows} ${length}`, () =>
      engine.compile((inputs: PrefillInputs) => decoder.prefill(inputs.params, inputs, context()), {
        params: specsOf(params),
        ids: { shape: [rows, length], dtype: "int32" },
        lengths: vector(rows),
      }),
    );
  const decode = (params: ModelParams, rows: number, capacity: number): Promise<IExecutable<DecodeInputs, Step>> =>
    programs.get(`decode ${rows} ${capacity}`, () =>
      engine.compile(
        (inputs: DecodeInputs) => decoder.decode(inputs.params, inputs, context()),
        {
          params: specsOf(params),
          ids: vector(rows),
          positions: vector(rows),
          cache: decoder.cache(rows, capacity),
        },
        { donate: ["cache"] },
      ),
    );
  const grow = (rows: number, from: number, to: number): Promise<IExecutable<{ cache: Params }, { cache: Params }>> =>
    programs.get(`grow ${rows} ${from} ${to}`, () => {
      const [before, after] = [decoder.cache(rows, from), decoder.cache(rows, to)];
      const enlarge = (tensor: tf.Tensor, shape: readonly number[]): tf.Tensor =>
        tf.pad(
          tensor,
          tensor.shape.map((size, i): [number, number] => [0, shape[i]! - size]),
        );
      return engine.compile(
        ({ cache }: { cache: Params }) => ({
          cache: Object.fromEntries(
            Object.entries(cache).map(([name, tensor]) => [name, enlarge(tensor, after[name]!.shape)]),
          ) as Params,
        }),
        { cache: before },
      );
    });

  return {
    open: (params, rows) => sessionOf(params, rows),
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };

  function sessionOf(params: ModelParams, rows: number): DecodingSession {
    let cache: Cache | undefined;
    let capacity = 0;
    const replace = (next: Cache | undefined): void => {
      for (const tensor of Object.values(cache ?? {})) tensor[Symbol.dispose]();
      cache = next;
    };
    const taken = async (out: { readonly logits: DeviceTensor; readonly cache: Cache }): Promise<Float32Array> => {
      replace(out.cache);
      const logits = await out.logits.read();
      out.logits[Symbol.dispose]();
      return logits as Float32Array;
    };
    return {
      read: async (contexts: Contexts) => {
        capacity = bucketOf(Math.max(...contexts.map(({ length }) => length)), positions);
        const executable = await prefill(params, rows, capacity);
        const lengths = Int32Array.from(contexts, ({ length }) => length);
        return taken(await executable.run({ params, ids: padded(contexts, capacity), lengths }));
      },
      next: async (contexts: Contexts) => {
        const longest = Math.max(...contexts.map(({ length }) => length));
        if (longest > capacity) {
          const larger = bucketOf(longest, positions);
          const grown = await (await grow(rows, capacity, larger)).run({ cache: cache! });
          replace(grown.cache as Cache);
          capacity = larger;
        }
        const executable = await decode(params, rows, capacity);
        const feeds = {
          params,
          ids: Int32Array.from(contexts, (each) => each.at(-1)!),
          positions: Int32Array.from(contexts, ({ length }) => length - 1),
          cache: cache!,
        };
        return taken(await executable.run(feeds));
      },
      [Symbol.asyncDispose]: () => Promise.resolve(replace(undefined)),
    };
  }
}
