import type { IEngine, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { TestFramework } from "@pipe/core/testing";

/** What the parts of the contract share. */
export type ContractKit = TestFramework & {
  readonly make: () => Promise<IEngine>;
  /** A test with an engine of its own. */
  readonly withEngine: (body: (engine: IEngine) => Promise<void>) => () => Promise<void>;
};

/** Makes it from what a contract is given. */
export function contractKit(make: () => Promise<IEngine>, { describe, it, expect }: TestFramework): ContractKit {
  const withEngine: ContractKit["withEngine"] = (body) => async () => {
    const engine = await make();
    try {
      await body(engine);
    } finally {
      await engine[Symbol.asyncDispose]();
    }
  };
  return { describe, it, expect, make, withEngine };
}

/** The code of the error that a body throws. */
export async function codeOf(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
  } catch (error) {
    if (PipeError.is(error)) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

/** The spec of most inputs. */
export const vector: TensorSpec = { shape: [3], dtype: "float32" };
