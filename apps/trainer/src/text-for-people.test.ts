import type { Experiment } from "@pipe/config";
import { describe, expect, it } from "vitest";
import { partsOf, partsTable } from "./config-graph.ts";
import { type EngineState, formatStates } from "./engines/doctor.ts";
import { joinProcesses } from "./join-processes.ts";
import { rateChart } from "./rate-chart.ts";

describe("the states of engines", () => {
  it("say what is there, and of the rest what brings it and what it needs", () => {
    const states = [
      { name: "one", available: true, use: "engine: { kind: one }", device: "a device", threads: 2 },
      { name: "two", available: true, use: "engine: { kind: two }", device: "another" },
      { name: "three", available: false, problem: "is gone", fix: "npm install three", needs: "a GPU" },
      { name: "four", available: false, problem: "is broken" },
    ] as unknown as readonly EngineState[];
    expect(formatStates(states).split("\n")).toEqual([
      "one    a device, 2 threads",
      "       engine: { kind: one }",
      "two    another",
      "       engine: { kind: two }",
      "three  not here: is gone",
      "       npm install three",
      "       a GPU",
      "four   not here: is broken",
      "",
    ]);
  });
});

describe("the parts of a recipe", () => {
  it("say where a plug-in makes one", () => {
    const experiment = {
      engine: { kind: "mine" },
      data: { source: { kind: "text" }, tokenizer: { kind: "char" } },
      model: { kind: "gpt2" },
      optimization: { optimizer: { kind: "adamw" }, schedule: { kind: "cosine" } },
      evaluation: { metrics: [] },
    } as unknown as Experiment;
    const table = partsTable(partsOf(experiment));
    expect(table).toMatch(/^engine +mine +a plug-in$/m);
    expect(table).toMatch(/^metrics$/m);
  });
});

describe("a search of rates without any change", () => {
  it("is drawn flat", () => {
    const points = [1e-4, 1e-3, 1e-2].map((rate) => ({ rate, loss: 2, smoothed: 2 }));
    const chart = rateChart({ points, suggestion: 1e-3, by: "steepest", ended: "completed" } as never, { width: 10 });
    expect(chart).toContain("2.00 │");
  });
});

describe("joinProcesses", () => {
  it("is one process where mpirun started none, and asks for MPI where it did", async () => {
    expect((await joinProcesses({ env: {} })).world).toBe(1);
    expect((await joinProcesses({ env: { PMI_SIZE: "1" } })).world).toBe(1);
    const env = { PMI_SIZE: "2", PIPE_MPI_LIBRARY: "/nowhere/libmpi.so" };
    await expect(joinProcesses({ env })).rejects.toMatchObject({ code: "mpi-missing" });
  });
});
