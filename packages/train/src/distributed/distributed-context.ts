/** Processes that train one model together: each sees a part of every batch, and all make the same update. */
export interface DistributedContext extends AsyncDisposable {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly world: number;
  /** Whether this is the process that logs, evaluates and saves: the one of rank 0. */
  readonly isMain: boolean;
  /**
   * Adds `values` up over all processes, element by element, in place; every process must call it with the same length.
   * @throws PipeError `peer-lost` where another process is gone.
   */
  sum(values: Float32Array): Promise<void>;
  /** Returns when all processes have called it. @throws PipeError `peer-lost`. */
  barrier(): Promise<void>;
}

/** One process on its own. */
export const singleProcess: DistributedContext = {
  rank: 0,
  world: 1,
  isMain: true,
  sum: () => Promise.resolve(),
  barrier: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** For each flag, whether any process has it set. */
export async function anyOf(context: DistributedContext, ...flags: readonly boolean[]): Promise<readonly boolean[]> {
  if (context.world === 1) return flags;
  const counts = Float32Array.from(flags, Number);
  await context.sum(counts);
  return Array.from(counts, (count) => count > 0);
}

/** The text that the main process has; what others pass does not matter. */
export async function fromMain(context: DistributedContext, text: string): Promise<string> {
  if (context.world === 1) return text;
  const own = context.isMain ? new TextEncoder().encode(text) : new Uint8Array();
  const length = Float32Array.of(own.length);
  await context.sum(length);
  const bytes = new Float32Array(length[0]!);
  bytes.set(own);
  await context.sum(bytes);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
