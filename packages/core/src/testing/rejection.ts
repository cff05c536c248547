import { PipeError } from "../error.ts";

/** The code of the PipeError that an action ends in; what else it does is told in words, so that the comparison fails. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return PipeError.is(error) ? error.code : `not a PipeError: ${String(error)}`;
  }
  return "no error";
}
