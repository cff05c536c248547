import { expect, it } from "vitest";
import { cpuFlags } from "./cpu-flags.ts";

it("cuts the temporary memory of small programs into blocks, and leaves that of large ones whole", () => {
  expect(cpuFlags(2 ** 28)).toMatchObject({ xla_multiheap_size_constraint_per_heap: 2 ** 24 });
  expect(cpuFlags(2 ** 30)).not.toHaveProperty("xla_multiheap_size_constraint_per_heap");
});
