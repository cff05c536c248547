// What the page knows of a run: a whole state, and what came after it.

/** @typedef {import("./figures.js").Point} Point */

const SAMPLES = 10;
const NOTES = 50;

/** Points of a series beyond which the server is asked for a thinned state again. */
export const MOST_POINTS = 6000;

/** A state as the server sends it becomes the page's. @param {any} sent */
export function fromState({ series, samples, notes, ...progress }) {
  /** @type {Map<string, Point[]>} */
  const byName = new Map(Object.entries(series));
  return { progress, samples: [...samples], notes: [...notes], series: byName };
}

/** Adds what came after a state. @param {ReturnType<typeof fromState>} state @param {any} more */
export function addMore(state, { cut, points, samples, notes, progress }) {
  if (cut !== undefined) {
    for (const [name, old] of state.series)
      state.series.set(
        name,
        old.filter(([step]) => step <= cut),
      );
  }
  for (const [name, added] of Object.entries(points)) {
    const old = state.series.get(name);
    if (old === undefined) state.series.set(name, [...added]);
    else old.push(...added);
  }
  state.samples = [...state.samples, ...samples].slice(-SAMPLES);
  state.notes = [...state.notes, ...notes].slice(-NOTES);
  state.progress = progress;
}

/** @param {ReturnType<typeof fromState>} state */
export function isFull(state) {
  return [...state.series.values()].some((points) => points.length > MOST_POINTS);
}
