import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ISchedule } from "@pipe/core";
import {
  constantSchedule,
  cosineSchedule,
  inverseSqrtSchedule,
  linearSchedule,
  oneCycleSchedule,
  wsdSchedule,
} from "@pipe/optim";
import { expect, it } from "vitest";

type Known = { readonly [name: string]: { readonly call: string; readonly lr: readonly number[] } };
const fixture = join(import.meta.dirname, "../fixtures/parity/schedules.json");
const known = JSON.parse(readFileSync(fixture, "utf8")) as Known;

const peak = { rate: 1 };
const rise = { ...peak, warmup: 4, initial: 0 };
const whole = { ...rise, steps: 20 };
const schedules: { readonly [name: string]: ISchedule } = {
  hf_constant_warmup: constantSchedule(rise),
  hf_cosine_warmup: cosineSchedule({ ...whole, minimum: 0 }),
  hf_cosine_min_lr: cosineSchedule({ ...whole, minimum: 0.1 }),
  hf_linear_warmup: linearSchedule(whole),
  hf_inverse_sqrt: inverseSqrtSchedule(rise),
  hf_wsd_linear: wsdSchedule({ ...whole, decay: 6, shape: "linear", initial: 0.1, minimum: 0.1 }),
  hf_wsd_cosine: wsdSchedule({ ...whole, decay: 6, shape: "cosine" }),
  "hf_wsd_1-sqrt": wsdSchedule({ ...whole, decay: 6, shape: "1-sqrt" }),
  torch_onecycle_cos: oneCycleSchedule({ ...peak, steps: 21 }),
  torch_onecycle_linear_3phase: oneCycleSchedule({ ...peak, steps: 21, shape: "linear", threePhase: true }),
  torch_cosine_annealing: cosineSchedule({ ...peak, steps: 20, minimum: 0.1 }),
  torch_linear: constantSchedule({ ...peak, warmup: 8, initial: 0.25 }),
  nanogpt_style: cosineSchedule({ ...peak, warmup: 4, steps: 20, minimum: 0.1 }),
};

it.each(Object.keys(schedules))("%s is as PyTorch and transformers compute it", (name) => {
  const { lr } = known[name]!;
  expect(lr).toHaveLength(20);
  lr.forEach((rate, applied) => expect(schedules[name]!.rate(applied)).toBeCloseTo(rate, 12));
});
