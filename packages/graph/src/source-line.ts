const own = new URL(".", import.meta.url).pathname;

/** Whether a stack frame lies in tfjs or in this package (its tests count as programs). */
function isInternal(frame: string): boolean {
  if (frame.includes("/@tensorflow/") || frame.includes("node:internal") || !/:\d+:\d+\)?$/.test(frame)) return true;
  return frame.includes(own) && !frame.includes(".test.");
}

/** File, line and column of the innermost call outside tfjs and this package, if there is one. */
export function sourceLine(): string | undefined {
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  const frame = frames.find((line) => !isInternal(line));
  return frame === undefined
    ? undefined
    : /\(?((?:file:\/\/)?[^\s(]+:\d+:\d+)\)?$/.exec(frame)?.[1]?.replace("file://", "");
}

/** V8's switch for the length of stack traces; other engines ignore it. */
const stacks = Error as unknown as { stackTraceLimit?: number };

/** Runs a function with stack traces long enough to reach through tfjs's gradients to the program. */
export function withLongStacks<T>(body: () => T): T {
  const limit = stacks.stackTraceLimit ?? 10;
  stacks.stackTraceLimit = 40;
  try {
    return body();
  } finally {
    stacks.stackTraceLimit = limit;
  }
}
