import { PipeError } from "@pipe/core";
import koffi from "koffi";

/** XLA and LLVM run on the stacks that koffi makes; their passes need more than its default. */
const STACK_BYTES = 16 * 2 ** 20;

/** Has koffi make stacks that are large enough for a compiler, which can be said before its first library only. @throws PipeError `koffi-configured`. */
export function enlargeStacks(): void {
  const { sync_stack_size: sync = 0, async_stack_size: async = 0 } = koffi.config();
  if (sync >= STACK_BYTES && async >= STACK_BYTES) return;
  try {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES, resident_async_pools: 2 });
  } catch (cause) {
    throw new PipeError("koffi-configured", "Another part of this program loaded a library with koffi first.", {
      expected: `stacks of ${STACK_BYTES} bytes`,
      got: `${sync} and ${async}`,
      fix: "start the XLA engine before anything else uses koffi",
      cause,
    });
  }
}
