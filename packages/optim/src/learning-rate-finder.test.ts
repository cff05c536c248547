import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LearningRateFinder, type LearningRateTrial } from "./learning-rate-finder.ts";

/** Gradient descent on ½ c x², which is stable below 2 / c. */
class Bowl implements LearningRateTrial {
  x = 3;
  readonly rates: number[] = [];
  readonly #curvature: number;
  readonly #floor: number;

  constructor(curvature: number, floor = 0.1) {
    this.#curvature = curvature;
    this.#floor = floor;
  }

  async step(rate: number) {
    this.rates.push(rate);
    const loss = this.#floor + 0.5 * this.#curvature * this.x ** 2;
    this.x -= rate * this.#curvature * this.x;
    return { loss, accepted: Number.isFinite(loss) };
  }

  async save() {
    const { x } = this;
    return async () => void (this.x = x);
  }
}

describe("LearningRateFinder", () => {
  it("suggests a rate below the edge of stability and near it, whatever the curvature", async () => {
    const curvatures = fc.double({ min: -1, max: 3, noNaN: true }).map((exponent) => 10 ** exponent);
    await fc.assert(
      fc.asyncProperty(curvatures, async (curvature) => {
        const bowl = new Bowl(curvature);
        const { suggestion, by } = await new LearningRateFinder({ from: 1e-6, to: 100 }).find(bowl);
        expect(by).toBe("steepest");
        expect(suggestion).toBeLessThan(2 / curvature);
        expect(suggestion).toBeGreaterThan(2 / curvature / 100);
        expect(bowl.x).toBe(3);
      }),
      { numRuns: 50 },
    );
  });

  it("raises the rate by the same factor from step to step, and shows each", async () => {
    const bowl = new Bowl(1e-3);
    const seen: number[] = [];
    const finder = new LearningRateFinder({ from: 1e-4, to: 1e-2, steps: 21 });
    const { points, ended } = await finder.find(bowl, { onPoint: ({ rate }) => void seen.push(rate) });
    expect(ended).toBe("completed");
    expect(seen).toEqual(bowl.rates);
    expect(points.map(({ rate }) => rate)).toEqual(seen);
    [1e-4, 1e-3, 1e-2].forEach((rate, i) => expect(seen[10 * i]).toBeCloseTo(rate, 12));
  });

  it("stops where the loss diverges", async () => {
    const bowl = new Bowl(1);
    const { points, ended } = await new LearningRateFinder({ to: 1e6, steps: 200 }).find(bowl);
    expect(ended).toBe("diverged");
    expect(points.at(-1)!.rate).toBeGreaterThan(1);
    expect(points.at(-1)!.rate).toBeLessThan(1e3);
  });

  it("stops at a loss that is not finite", async () => {
    const trial = {
      step: async (rate: number) => ({ loss: rate < 1e-3 ? 2 - rate * 100 : Number.NaN, accepted: true }),
    };
    const { ended, points, suggestion } = await new LearningRateFinder().find(trial);
    expect(ended).toBe("diverged");
    expect(points.at(-1)!.rate).toBeLessThan(1e-3);
    expect(suggestion).toBeLessThan(1e-3);
  });

  it("falls back to a tenth of the rate of the lowest loss where the loss falls nowhere", async () => {
    const trial = { step: async (rate: number) => ({ loss: 1 + rate, accepted: true }) };
    const { by, suggestion } = await new LearningRateFinder({ from: 1e-3, to: 1e-1 }).find(trial);
    expect([by, suggestion]).toEqual(["lowest", 1e-4]);
  });

  it("ends with what it knows when it is aborted", async () => {
    const abort = new AbortController();
    const onPoint = ({ rate }: { readonly rate: number }): void => void (rate > 1e-2 && abort.abort());
    const found = await new LearningRateFinder().find(new Bowl(1), { signal: abort.signal, onPoint });
    expect(found.ended).toBe("aborted");
    expect(found.points.at(-1)!.rate).toBeCloseTo(1e-2, 2);
  });

  it("says so where there is nothing to see, and puts the training back", async () => {
    const bowl = new Bowl(1);
    const refused: LearningRateTrial = {
      save: () => bowl.save(),
      step: async (rate) => ({ ...(await bowl.step(rate)), accepted: false }),
    };
    await expect(new LearningRateFinder().find(refused)).rejects.toThrow("begin with a smaller rate");
    expect(bowl.x).toBe(3);
    await expect(new LearningRateFinder().find(bowl, { signal: AbortSignal.abort() })).rejects.toThrow("run longer");
    const broken = { save: () => bowl.save(), step: () => Promise.reject(new Error("no more batches")) };
    await expect(new LearningRateFinder().find(broken)).rejects.toThrow("no more batches");
  });

  it.each([{ from: 0 }, { from: 1, to: 1 }, { to: Infinity }, { steps: 9 }, { steps: 10.5 }, { divergence: 1 }])(
    "refuses %j",
    (options) => {
      expect(() => new LearningRateFinder(options)).toThrow(
        expect.objectContaining({ code: "finder-invalid" }) as Error,
      );
    },
  );
});
