import type { ForwardContext } from "@pipe/core";
import { isTracing } from "./backend.ts";
import { currentRecorder } from "./recorder.ts";
import type * as tf from "./tf.ts";

/** Places in one block: no block draws more random masks. */
const PLACES = 64;

/**
 * What a model gets while it is traced: `place()` counts within the innermost block, and a block that is run again
 * counts from the same start, so that a recomputed block draws the same masks.
 */
export function forwardContext(options: {
  readonly training: boolean;
  /** int32 [2]. */
  readonly seed: tf.Tensor;
  readonly logits?: NonNullable<ForwardContext["logits"]>;
}): ForwardContext {
  const blocks = new Map<string, number>([["", 0]]);
  let path = "";
  let count = 0;
  return {
    ...options,
    place: () => blocks.get(path)! * PLACES + count++,
    block: (name, body) => {
      const outer = [path, count] as const;
      path = path === "" ? name : `${path}/${name}`;
      count = 0;
      if (!blocks.has(path)) blocks.set(path, blocks.size);
      try {
        return isTracing() ? currentRecorder().block(path, body) : body();
      } finally {
        [path, count] = outer;
      }
    },
  };
}
