/** One value of a series. */
export type SeriesPoint = { readonly step: number; readonly value: number };

/** Neighbouring values of which the least and the greatest are kept. */
type Bucket = { min: SeriesPoint; max: SeriesPoint; count: number };

/**
 * Keeps the values of a metric in bounded memory, however long the run.
 *
 * Up to `capacity` values are all kept. Beyond that neighbours share a bucket, which keeps its least and its greatest
 * value, so that no spike is lost; the first and the newest value always stay. NaN gives way to any number.
 */
export class Series {
  readonly #capacity: number;
  #buckets: Bucket[] = [];
  /** Values a bucket. */
  #width = 1;
  #first: SeriesPoint | undefined;
  #last: SeriesPoint | undefined;

  /** @param capacity buckets at most, 2 or more; a series has at most twice as many points, and two. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds the value of a step, which is not before the newest one. */
  add(step: number, value: number): void {
    const point = { step, value };
    this.#first ??= point;
    this.#last = point;
    const newest = this.#buckets.at(-1);
    if (newest !== undefined && newest.count < this.#width) {
      join(newest, { min: point, max: point, count: 1 });
      return;
    }
    if (this.#buckets.length === this.#capacity) this.#halve();
    this.#buckets.push({ min: point, max: point, count: 1 });
  }

  /** Forgets what came after a step, as a run does that goes on from there. */
  cut(step: number): void {
    if (this.#last === undefined || this.#last.step <= step) return;
    const kept = this.points.filter((point) => point.step <= step);
    this.#buckets = this.#buckets.flatMap(({ min, max, count }) => {
      if (min.step > step && max.step > step) return [];
      return [{ min: min.step > step ? max : min, max: max.step > step ? min : max, count }];
    });
    this.#first = kept[0];
    this.#last = kept.at(-1);
  }

  /** The newest point. */
  get last(): SeriesPoint | undefined {
    return this.#last;
  }

  /** The points that are kept, in the order of their steps. */
  get points(): readonly SeriesPoint[] {
    const points: SeriesPoint[] = [];
    const add = (point: SeriesPoint | undefined): void => {
      if (point !== undefined && point !== points.at(-1)) points.push(point);
    };
    add(this.#first);
    for (const { min, max } of this.#buckets) {
      const inOrder = min.step <= max.step ? [min, max] : [max, min];
      for (const point of inOrder) if (point !== this.#first) add(point);
    }
    add(this.#last);
    return points;
  }

  #halve(): void {
    const halved: Bucket[] = [];
    for (const [index, bucket] of this.#buckets.entries()) {
      if (index % 2 === 0) halved.push(bucket);
      else join(halved.at(-1)!, bucket);
    }
    this.#buckets = halved;
    this.#width *= 2;
  }
}

function join(into: Bucket, { min, max, count }: Bucket): void {
  if (min.value < into.min.value || Number.isNaN(into.min.value)) into.min = min;
  if (max.value > into.max.value || Number.isNaN(into.max.value)) into.max = max;
  into.count += count;
}
