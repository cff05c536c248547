/** Compiles programs once for each key, and frees them all. */
export class ProgramCache implements AsyncDisposable {
  readonly #programs = new Map<string, Promise<AsyncDisposable>>();

  get<P extends AsyncDisposable>(key: string, compile: () => Promise<P>): Promise<P> {
    let program = this.#programs.get(key) as Promise<P> | undefined;
    if (program === undefined) this.#programs.set(key, (program = compile()));
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pending of this.#programs.values()) {
      // One that did not compile has said so to whoever asked for it.
      const program = await pending.catch(() => undefined);
      await program?.[Symbol.asyncDispose]();
    }
    this.#programs.clear();
  }
}
