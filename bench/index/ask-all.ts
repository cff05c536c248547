/** A question, as words and as a vector. */
type Query = { readonly text: string; readonly vector: Float32Array };

/** Ways of asking by their names, hybrid, lexical and vector; each gives the numbers of the passages that it finds. */
export type Modes = { readonly [mode: string]: (query: Query) => Promise<readonly number[]> | readonly number[] };

/** How long answers took. */
export type Answers = {
  /** Milliseconds from `opened` to the first answer. */
  readonly cold: number;
  /** Milliseconds of each answer, by mode. */
  readonly times: { readonly [mode: string]: readonly number[] };
  /** Share of the exact neighbours that the mode `vector` finds. */
  readonly recall: number;
};

/** Asks every question in every mode, after a first one that counts as cold. */
export async function askAll(
  modes: Modes,
  {
    asked,
    exact,
    opened,
  }: { readonly asked: readonly Query[]; readonly exact: readonly number[][]; readonly opened: number },
): Promise<Answers> {
  await modes["hybrid"]!(asked[0]!);
  const cold = performance.now() - opened;
  const times: { [mode: string]: number[] } = {};
  let right = 0;
  for (const [mode, find] of Object.entries(modes)) {
    times[mode] = [];
    for (const [number, query] of asked.entries()) {
      const begin = performance.now();
      const found = new Set(await find(query));
      times[mode].push(performance.now() - begin);
      if (mode === "vector") right += exact[number]!.filter((each) => found.has(each)).length;
    }
  }
  return { cold, times, recall: right / (10 * asked.length) };
}
