import type { DType, TensorSpec } from "@pipe/core";
import { isTracing } from "./backend.ts";
import type { Attributes } from "./graph.ts";
import { BACKEND, currentRecorder } from "./recorder.ts";
import * as tf from "./tf.ts";

/** An op that a trace records as one node: an engine may have it natively, all others run its decomposition. */
export type CompositeOp = {
  readonly name: string;
  /** A composite that this one computes as well: same inputs and attributes, its outputs are the first of this one's. */
  readonly covers?: string;
  /** Specs of the outputs. */
  infer(inputs: readonly TensorSpec[], attributes: Attributes): readonly TensorSpec[];
  /** The same in tfjs ops or other composites: the definition of what it computes. */
  decompose(inputs: readonly tf.Tensor[], attributes: Attributes): readonly tf.Tensor[];
  /**
   * Gradients for its inputs (`undefined` for those that have none), given those of its outputs. Without this function
   * the op has no gradient while it is traced.
   */
  gradient?(
    dys: readonly tf.Tensor[],
    saved: { readonly inputs: readonly tf.Tensor[]; readonly outputs: readonly tf.Tensor[] },
    attributes: Attributes,
  ): readonly (tf.Tensor | undefined)[];
};

/** Composites that are defined in this process, by name. */
const composites = new Map<string, CompositeOp>();

/** The definition of a composite, if the name is one. */
export function compositeOf(name: string): CompositeOp | undefined {
  return composites.get(name);
}

/** Names of all composites. */
export function compositeNames(): readonly string[] {
  return [...composites.keys()].sort();
}

/**
 * Defines a composite op and returns the function that applies it: recorded as one node in a trace, computed through
 * its decomposition (and differentiated through it) on any other backend.
 */
export function defineComposite(
  op: CompositeOp,
): (inputs: readonly tf.Tensor[], attributes?: Attributes) => tf.Tensor[] {
  composites.set(op.name, op);
  const kernelName = `pipe.${op.name}`;
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: ({ inputs, attrs }) => {
      const trace = currentRecorder();
      const list = Object.values(inputs as unknown as { [name: string]: tf.TensorInfo });
      const attributes = (attrs ?? {}) as Attributes;
      const specs = list.map(({ shape, dtype }) => ({ shape, dtype: dtype as DType }));
      const values = list.map((input) => trace.valueOf(input));
      return trace.record({ op: op.name, inputs: values, attributes, outputs: op.infer(specs, attributes) });
    },
  });
  const { gradient } = op;
  if (gradient !== undefined) {
    tf.registerGradient({
      kernelName,
      saveAllInputs: true,
      outputsToSave: Array.from({ length: 8 }, () => true),
      gradFunc: (dy, saved, attrs) => {
        const dys = Array.isArray(dy) ? dy : [dy];
        const inputs = saved.slice(0, saved.length - dys.length);
        const outputs = saved.slice(saved.length - dys.length);
        const gradients = gradient(dys, { inputs, outputs }, attrs as unknown as Attributes);
        return Object.fromEntries(gradients.flatMap((dx, i) => (dx === undefined ? [] : [[i, () => dx]])));
      },
    });
  }
  return (inputs, attributes = {}) => {
    if (!isTracing()) return [...op.decompose(inputs, attributes)];
    const named = [...inputs] as unknown as tf.NamedTensorMap;
    const made = tf.engine().runKernel(kernelName, named, attributes as unknown as tf.NamedAttrMap);
    return (Array.isArray(made) ? made : [made]) as tf.Tensor[];
  };
}
