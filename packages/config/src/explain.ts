import type { Experiment } from "./experiment-config.ts";
import { fieldOf } from "./json-schema.ts";
import { type Origin, originOf, type RawConfig } from "./origin.ts";

/** A field of a resolved configuration. */
export type ExplainedField = {
  /** As in `data.source.path`. */
  readonly path: string;
  readonly value: unknown;
  readonly from: Origin | { readonly source: "default" };
};

/** Lists every field of an experiment with where its value came from. */
export function explain(experiment: Experiment, { raw, origins }: RawConfig): readonly ExplainedField[] {
  const walk = (value: unknown, given: unknown, path: string): ExplainedField[] => {
    const inner = (key: string): string => (path === "" ? key : `${path}.${key}`);
    const isLeaf = typeof value !== "object" || value === null || Object.keys(value).length === 0;
    if (!isLeaf && (!Array.isArray(value) || value.some((each) => typeof each === "object"))) {
      return Object.entries(value).flatMap(([key, each]) => walk(each, fieldOf(given, key), inner(key)));
    }
    const origin = given === undefined ? undefined : originOf(origins, path);
    return [{ path, value, from: origin ?? { source: "default" } }];
  };
  return walk(experiment, raw, "");
}
