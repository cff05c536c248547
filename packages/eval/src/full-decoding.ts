import type { IEngine, IModel, Params } from "@pipe/core";
import { specsOf } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { bucketOf, type Decoding, type ModelParams, padded } from "./decoding.ts";
import { ProgramCache } from "./program-cache.ts";

type Inputs = { readonly params: Params; readonly ids: tf.Tensor; readonly at: tf.Tensor };

/** Decodes with any model: each token reads the whole context again. Contexts are compiled per power of two. */
export function fullDecoding(engine: IEngine, model: IModel, positions: number): Decoding {
  const programs = new ProgramCache();
  const program = ({ params, ids, at }: Inputs): { logits: tf.Tensor } => {
    const context = forwardContext({ training: false, seed: tf.zeros([2], "int32"), logits: { at } });
    return { logits: model.forward(params, { ids, targets: ids, weights: tf.onesLike(ids) }, context).logits };
  };
  const logits = async (params: ModelParams, contexts: readonly (readonly number[])[]): Promise<Float32Array> => {
    const rows = contexts.length;
    const length = bucketOf(Math.max(...contexts.map((context) => context.length)), positions);
    const executable = await programs.get(`${rows} ${length}`, () =>
      engine.compile(program, {
        params: specsOf(params),
        ids: { shape: [rows, length], dtype: "int32" },
        at: { shape: [rows], dtype: "int32" },
      }),
    );
    const at = Int32Array.from(contexts, (context) => context.length - 1);
    const out = await executable.run({ params, ids: padded(contexts, length), at });
    const read = await out.logits.read();
    out.logits[Symbol.dispose]();
    return read as Float32Array;
  };
  return {
    open: (params) => ({
      read: (contexts) => logits(params, contexts),
      next: (contexts) => logits(params, contexts),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };
}
