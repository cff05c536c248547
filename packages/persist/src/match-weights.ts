import { formatSpec, sizeOf, type ParameterSpec } from "@pipe/core";
import { externalName, externalSpec } from "./external-layout.ts";
import type { StoredTensor } from "./safetensors-header.ts";
import type { StoredWeights } from "./stored-weights.ts";

// Causal masks that older GPT-2 files carry.
const IGNORED = /(^|\.)attn\.(bias|masked_bias)$/;

/** Which stored tensor belongs to which parameter, and what belongs nowhere. */
export type WeightMatch = {
  /** The stored name of each parameter that fits. */
  readonly names: ReadonlyMap<ParameterSpec, string>;
  /** Names of parameters for which nothing fits, each with why. */
  readonly unset: readonly WeightProblem[];
  /** Stored tensors that no parameter takes. */
  readonly unused: readonly WeightProblem[];
};

/** One name that does not fit. */
type WeightProblem = { readonly name: string; readonly expected: string; readonly got: string };

/**
 * Matches names with and without `transformer.` and compares shapes and types. Causal masks are passed over, and so is a
 * head that equals the token embedding.
 */
export async function matchWeights(stored: StoredWeights, parameters: readonly ParameterSpec[]): Promise<WeightMatch> {
  const names = new Map<ParameterSpec, string>();
  const rest = new Set(stored.tensors.keys());
  const unset: WeightProblem[] = [];
  for (const parameter of parameters) {
    const due = externalSpec(parameter);
    const bare = externalName(parameter).replace(/^transformer\./, "");
    const name = [externalName(parameter), bare, `transformer.${bare}`].find((candidate) => rest.delete(candidate));
    const found = name === undefined ? undefined : stored.tensors.get(name)!;
    if (found !== undefined && fits(found, due)) names.set(parameter, name!);
    else {
      const expected = `${name ?? externalName(parameter)} ${formatSpec(due)}`;
      unset.push({ name: parameter.name, expected, got: found === undefined ? "no such tensor" : describe(found) });
    }
  }
  const unused: WeightProblem[] = [];
  for (const name of rest) {
    if (IGNORED.test(name) || (name === "lm_head.weight" && (await isTied(stored)))) continue;
    unused.push({ name, expected: "no further tensor", got: `${name} ${describe(stored.tensors.get(name)!)}` });
  }
  return { names, unset, unused };
}

function fits({ shape, dtype }: StoredTensor, due: ReturnType<typeof externalSpec>): boolean {
  const readable = { float32: ["F32", "F16", "BF16"], int32: ["I32", "I64"], bool: ["BOOL"] }[due.dtype];
  return shape.join() === due.shape.join() && readable.includes(dtype);
}

function describe({ dtype, shape }: StoredTensor): string {
  return `${dtype} [${shape.join(", ")}]`;
}

/** Whether the head is the token embedding stored once more; another head would be lost. */
async function isTied(stored: StoredWeights): Promise<boolean> {
  const embedding = ["wte.weight", "transformer.wte.weight"].find((name) => stored.tensors.has(name));
  if (embedding === undefined) return false;
  const [head, token] = [stored.tensors.get("lm_head.weight")!, stored.tensors.get(embedding)!];
  if (sizeOf(head.shape) !== sizeOf(token.shape) || head.dtype !== token.dtype) return false;
  return Buffer.compare(await stored.readBytes("lm_head.weight"), await stored.readBytes(embedding)) === 0;
}
