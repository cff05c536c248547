import type { PortName } from "@pipe/core";
import { defaultKinds } from "./default-kinds.ts";

/** Where components stand in a recipe, and which kinds are meant where nothing stands. */
export const places: readonly {
  readonly path: readonly string[];
  readonly port: PortName;
  readonly defaults: readonly string[];
}[] = [
  { path: ["engine"], port: "engine", defaults: defaultKinds.engine },
  { path: ["data", "source"], port: "source", defaults: [] },
  { path: ["data", "tokenizer"], port: "tokenizer", defaults: [] },
  { path: ["model"], port: "model", defaults: [] },
  { path: ["optimization", "optimizer"], port: "optimizer", defaults: defaultKinds.optimizer },
  { path: ["optimization", "schedule"], port: "schedule", defaults: defaultKinds.schedule },
  { path: ["training", "stages"], port: "stage", defaults: [] },
  { path: ["evaluation", "metrics"], port: "metric", defaults: defaultKinds.metric },
  { path: ["indexing", "embedder"], port: "embedder", defaults: [] },
  { path: ["indexing", "store"], port: "store", defaults: [] },
];

/** The ports of components that a recipe can name. */
export const recipePorts: readonly PortName[] = places.map(({ port }) => port);
