import { describe, expect, it } from "vitest";
import * as numbers from "../format-number.ts";
import { formatTick, ticksOf, valuesOf } from "../drawing/axis.ts";
import { trendOf } from "../drawing/trend.ts";

type Point = readonly [step: number, value: number | null];
type State = { series: Map<string, Point[]>; samples: unknown[]; notes: unknown[]; progress: unknown };

// The page is plain JavaScript that needs no build; these parts of it need no browser either.
const figures = (await import(new URL("../../page/figures.js", import.meta.url).href)) as {
  [name in "count" | "whole" | "loss" | "rate" | "duration" | "tick"]: (value: number | null) => string;
} & {
  ticks: typeof ticksOf;
  values: (points: readonly Point[], fromZero: boolean) => { min: number; max: number };
  trend: (points: readonly Point[]) => readonly Point[];
};
const runState = (await import(new URL("../../page/run-state.js", import.meta.url).href)) as {
  MOST_POINTS: number;
  fromState: (sent: object) => State;
  addMore: (state: State, more: object) => void;
  isFull: (state: State) => boolean;
};

describe("figures of the page", () => {
  it("are written as everywhere else", () => {
    for (const value of [0, 1, 12, 950, 999.96, 12_345, 1_200_000, 124e6, 3e9, 5e12]) {
      expect(figures.count(value)).toBe(numbers.formatCount(value));
      expect(figures.whole(value)).toBe(numbers.formatInteger(value));
      expect(figures.tick(value)).toBe(formatTick(value));
    }
    for (const seconds of [12, 59.7, 80, 3599, 3900, 90_000, 200_000]) {
      expect(figures.duration(seconds)).toBe(numbers.formatDuration(seconds));
    }
    expect([figures.loss(2.10341), figures.rate(1e-3), figures.count(0.123)]).toEqual(["2.1034", "1.00e-3", "0.12"]);
    expect([figures.loss(null), figures.rate(null), figures.count(null), figures.count(Number.NaN)]).toEqual([
      "–",
      "–",
      "–",
      "–",
    ]);
  });

  it("have the axes and the trend of the pictures", () => {
    const values = Array.from({ length: 500 }, (_, i) => (i % 9 === 0 ? Number.NaN : Math.sin(i) + 500 / (i + 1)));
    const points = values.map((value, step) => ({ step, value }));
    const sent = JSON.parse(JSON.stringify(points.map(({ step, value }) => [step, value]))) as Point[];
    expect(figures.ticks({ min: 0.3, max: 17 }, 5)).toEqual(ticksOf({ min: 0.3, max: 17 }, 5));
    for (const figure of ["loss", "count"] as const) {
      const lines = [{ name: "", color: 0, style: "line" as const, points }];
      expect(figures.values(sent, figure !== "loss")).toEqual(valuesOf({ figure, lines }));
    }
    const trend = figures.trend(sent);
    for (const [i, { value }] of trendOf(points).entries()) {
      if (Number.isNaN(value)) expect(trend[i]![1]).toBeNull();
      else expect(trend[i]![1]).toBeCloseTo(value, 9);
    }
    expect(figures.values([], true)).toEqual({ min: 0, max: 1 });
  });
});

describe("the state of the page", () => {
  it("takes what comes after it, and forgets what is done again", () => {
    const state = runState.fromState({
      step: 2,
      samples: [],
      notes: ["a"],
      series: {
        loss: [
          [1, 5],
          [2, 4],
        ],
      },
    });
    runState.addMore(state, {
      points: { loss: [[3, 3]], rate: [[3, 1]] },
      samples: ["s"],
      notes: ["b"],
      progress: { step: 3 },
    });
    expect([...state.series]).toEqual([
      [
        "loss",
        [
          [1, 5],
          [2, 4],
          [3, 3],
        ],
      ],
      ["rate", [[3, 1]]],
    ]);
    runState.addMore(state, { cut: 1, points: { loss: [[2, 9]] }, samples: [], notes: [], progress: { step: 2 } });
    expect([...state.series]).toEqual([
      [
        "loss",
        [
          [1, 5],
          [2, 9],
        ],
      ],
      ["rate", []],
    ]);
    expect(state).toMatchObject({ samples: ["s"], notes: ["a", "b"], progress: { step: 2 } });
  });

  it("stays bounded: few samples and notes, and it asks anew when it has too many points", () => {
    const state = runState.fromState({ samples: [], notes: [], series: {} });
    const points = Array.from({ length: runState.MOST_POINTS }, (_, i) => [i, 1]);
    for (let i = 0; i < 90; i++) runState.addMore(state, { points: {}, samples: [i], notes: [i], progress: {} });
    expect([state.samples.length, state.notes.length, state.samples.at(-1)]).toEqual([10, 50, 89]);
    runState.addMore(state, { points: { loss: points }, samples: [], notes: [], progress: {} });
    expect(runState.isFull(state)).toBe(false);
    runState.addMore(state, { points: { loss: [[9e9, 1]] }, samples: [], notes: [], progress: {} });
    expect(runState.isFull(state)).toBe(true);
  });
});
