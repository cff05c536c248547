import type { DeviceTensor, HostArray, IEngine, IExecutable, TensorSpec, Tree } from "@pipe/core";
import { formatSpec, partSpecs, specsOf } from "@pipe/core";
import { finiteProbe, type NonFinite, trace } from "@pipe/graph";
import type * as tf from "@pipe/graph/tf";
import { partOf } from "./step-executable.ts";
import { gradientProgram, type StepParts } from "./step-program.ts";

/** A step to look into. */
export type SuspectStep<B> = StepParts<B> & {
  readonly engine: IEngine;
  /** Specs of the whole batch. */
  readonly batch: { readonly [name: string]: TensorSpec };
  readonly accumulate?: number;
  readonly params: { readonly [name: string]: DeviceTensor };
  readonly arrays: { readonly [name: string]: HostArray };
  readonly seed: number;
  readonly step: number;
};

/**
 * Computes the gradients of a step again, with a look at every value, and returns the first that is NaN or infinite.
 * `undefined` where all are finite: then the norm of the gradients overflowed, or the parameters have changed since.
 */
export async function findNonFinite<B>(suspect: SuspectStep<B>): Promise<NonFinite | undefined> {
  const { engine, accumulate = 1, params, arrays, seed, step } = suspect;
  const batch = partSpecs(suspect.batch, accumulate);
  const specs = {
    params: specsOf(params),
    batch,
    seed: { shape: [2], dtype: "int32" },
  };
  const probe = finiteProbe(trace(gradientProgram(suspect) as never, specs as never));
  const executable = (await engine.compile(probe.program as never, specs as never)) as unknown as IExecutable<
    Tree<tf.Tensor>,
    { finite: tf.Tensor; largest: tf.Tensor }
  >;
  try {
    for (let part = 0; part < accumulate; part++) {
      const feeds = {
        params,
        batch: partOf(arrays, batch, part),
        seed: Int32Array.of(seed, step * accumulate + part),
      };
      const { finite, largest } = await executable.run(feeds as never);
      const found = probe.explain(await finite.read(), await largest.read());
      finite[Symbol.dispose]();
      largest[Symbol.dispose]();
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    await executable[Symbol.asyncDispose]();
  }
}

/** Says in one sentence or two what was found. */
export function explainNonFinite(found: NonFinite | undefined): string {
  if (found === undefined) {
    return "Every value of the forward and backward pass is finite when it is computed again: the norm of the gradients overflowed, or the update since has repaired it.";
  }
  const { op, path, spec, source, block, inputs, outputs } = found;
  const place = [source, block === undefined ? undefined : `block ${block}`].filter((part) => part !== undefined);
  const where = place.length === 0 ? "" : ` (${place.join(", ")})`;
  const sizes = inputs.map((input) => `${input.path ?? input.op} up to ${magnitude(input.largest)}`);
  const parameters = outputs.flatMap((output) => (output.startsWith("grads/") ? [output.slice("grads/".length)] : []));
  const spoiled =
    parameters.length === 0
      ? ""
      : ` Not finite is the gradient of ${parameters.slice(0, 4).join(", ")}${parameters.length > 4 ? ` and ${parameters.length - 4} more` : ""}.`;
  if (op === "Input") return `${path} was not finite before the step.${spoiled}`;
  const from = sizes.length === 0 ? "" : `, from ${sizes.join(" and ")}`;
  return `The first value that is not finite is made by ${op} ${formatSpec(spec)}${where}${from}.${spoiled}`;
}

function magnitude(value: number): string {
  return Number.isFinite(value) ? value.toPrecision(3) : String(value);
}
