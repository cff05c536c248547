/** Counts the runs that are not finished, two at most. */
export class InFlight {
  readonly #runs = new Set<Promise<unknown>>();

  /** Adds a run, which may fail, and waits until fewer than two are left. */
  async add(run: Promise<unknown>): Promise<void> {
    const settled: Promise<unknown> = run.catch(() => undefined).then(() => this.#runs.delete(settled));
    this.#runs.add(settled);
    if (this.#runs.size >= 2) await this.#runs.values().next().value;
  }

  /** Waits until none is left. */
  async drain(): Promise<void> {
    await Promise.all(this.#runs);
  }
}
