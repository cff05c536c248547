/** A stream that text goes to. */
export type Output = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

/** Everything of the process that commands use. */
export type Host = {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: { readonly [name: string]: string | undefined };
  readonly cwd: string;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Calls back on each interrupt (Ctrl-C, SIGTERM) until it is disposed. */
  onInterrupt(listener: () => void): Disposable;
  /** Ends the process at once, as an interrupt does. */
  exit(): void;
};

/** Whether one of the host's streams takes colours: a terminal does, unless NO_COLOR is set. */
export function takesColors({ env }: Pick<Host, "env">, output: Output): boolean {
  return output.isTTY === true && (env["NO_COLOR"] ?? "") === "";
}
