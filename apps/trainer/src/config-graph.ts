import { type Experiment, kindsOf } from "@pipe/config";
import type { PortName } from "@pipe/core";
import { builtInModules } from "@pipe/pipeline";

/** A part of a run: what it is, who makes it, and the parts that it is made of. */
export type Part = {
  readonly name: string;
  readonly kind?: string;
  readonly package?: string;
  readonly needs: readonly string[];
};

/** What the parts of a run are made of, in the order in which they can be made. */
const flow: readonly (readonly [name: string, port: PortName | undefined, needs: readonly string[]])[] = [
  ["source", "source", []],
  ["tokenizer", "tokenizer", ["source"]],
  ["token shards", undefined, ["source", "tokenizer"]],
  ["batches", undefined, ["token shards"]],
  ["model", "model", ["tokenizer"]],
  ["optimizer", "optimizer", ["model"]],
  ["schedule", "schedule", []],
  ["engine", "engine", []],
  ["training step", undefined, ["model", "optimizer", "schedule", "engine"]],
  ["metrics", "metric", []],
  ["evaluation", undefined, ["model", "metrics", "engine", "token shards"]],
  ["training", undefined, ["batches", "training step", "evaluation"]],
];

/** The parts of an experiment; those of a kind come from a configuration, the others are always there. */
export function partsOf(experiment: Experiment): readonly Part[] {
  const kinds = kindsOf(experiment);
  return flow.map(([name, port, needs]) => {
    const chosen = kinds.filter((each) => each.port === port);
    if (chosen.length === 0) return { name, needs };
    const packages = new Set(chosen.map(({ kind }) => packageOf(port!, kind)));
    return { name, kind: chosen.map(({ kind }) => kind).join(", "), package: [...packages].join(", "), needs };
  });
}

function packageOf(port: PortName, kind: string): string {
  return builtInModules.find((each) => each.port === port && each.kinds.includes(kind))?.package ?? "a plug-in";
}

/** A table for people: each part, its kind, its package and what it is made of. */
export function partsTable(parts: readonly Part[]): string {
  const rows = parts.map(({ name, kind = "", package: from = "", needs }) => [
    name,
    kind,
    from,
    needs.length === 0 ? "" : `← ${needs.join(", ")}`,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** A flow chart as Mermaid draws it, for documentation. */
export function partsChart(parts: readonly Part[]): string {
  const id = (name: string): string => name.replaceAll(" ", "_");
  const label = ({ name, kind }: Part): string => (kind === undefined ? name : `${name}<br>${kind}`);
  const nodes = parts.map((part) => `  ${id(part.name)}["${label(part)}"]\n`);
  const arrows = parts.flatMap(({ name, needs }) => needs.map((need) => `  ${id(need)} --> ${id(name)}\n`));
  return `flowchart LR\n${nodes.join("")}${arrows.join("")}`;
}
