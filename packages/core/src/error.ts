/** What {@link PipeError} says beside its summary. */
export type PipeErrorDetails = {
  /** What would have been right. */
  readonly expected?: string;
  /** What came instead. */
  readonly got?: string;
  /** File, path in the configuration, op and line. */
  readonly where?: string;
  /** What a person can do now. */
  readonly fix?: string;
  readonly cause?: unknown;
};

/**
 * The one error class of @pipe: a stable `code` for programs, a message with expected, got and where, and a `fix` for people.
 *
 * @example
 * throw new PipeError("input-mismatch", "A host array does not fit its input.", {
 *   expected: "float32 [2, 3]", got: "5 elements", where: "batch/ids",
 * });
 */
export class PipeError extends Error {
  /** Stable, kebab-case. */
  readonly code: string;
  /** What a person can do now; part of the message too. */
  readonly fix?: string;

  constructor(code: string, summary: string, details: PipeErrorDetails = {}) {
    const { expected, got, where, fix, cause } = details;
    const lines = [summary];
    if (expected !== undefined) lines.push(`  expected: ${expected}`);
    if (got !== undefined) lines.push(`  got: ${got}`);
    if (where !== undefined) lines.push(`  where: ${where}`);
    if (fix !== undefined) lines.push(`  fix: ${fix}`);
    super(lines.join("\n"), cause === undefined ? undefined : { cause });
    this.name = "PipeError";
    this.code = code;
    if (fix !== undefined) this.fix = fix;
  }

  /** Whether a value is a {@link PipeError}, with this code if one is given; also one of another copy of this package. */
  static is(value: unknown, code?: string): value is PipeError {
    if (!(value instanceof Error) || value.name !== "PipeError") return false;
    return code === undefined || (value as PipeError).code === code;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
