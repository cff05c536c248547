import { createHash } from "node:crypto";
import type { ComponentDefinition } from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { ConfigBase } from "./config-base.ts";
import { experimentSchema, type Sections, sectionsOf } from "./experiment-schema.ts";
import { type Fields, fieldsOf } from "./fields.ts";
import { fieldOf, type JsonSchema } from "./json-schema.ts";
import { withDefaultKinds } from "./kinds.ts";
import { formatOrigin, originOf, type Origins, type Position } from "./origin.ts";
import { withOptionalFields } from "./optional-fields.ts";
import { type Problem, problemsOf } from "./problem.ts";
import { resolvePaths } from "./resolve-paths.ts";

/** A checked experiment with all defaults filled in. */
export type Experiment = z.output<ReturnType<typeof experimentSchema>>;

/** Where a configuration came from. */
export type ParseOptions = {
  /** Names the place of each problem, and the folder of each relative path. */
  readonly origins?: Origins;
  /** The folder that paths are seen from which no recipe names; default the working folder. */
  readonly from?: string;
};

/** The configuration of a whole experiment, composed of its sections and the components that are known. */
export class ExperimentConfig extends ConfigBase<ReturnType<typeof experimentSchema>> {
  readonly #sections: readonly ConfigBase[];
  #json: JsonSchema | undefined;

  private constructor(sections: Sections) {
    super("experiment", experimentSchema(sections));
    this.#sections = Object.values(sections);
  }

  /** Composes the schema from definitions of components. */
  static from(definitions: readonly ComponentDefinition[]): ExperimentConfig {
    return new ExperimentConfig(sectionsOf(definitions));
  }

  /**
   * Checks a raw recipe, fills the defaults in and makes paths absolute.
   * @throws PipeError `config-invalid` with every problem: place, path, expected, got.
   */
  parse(raw: unknown, { origins = new Map(), from = "." }: ParseOptions = {}): Experiment {
    const whole = withDefaultKinds(raw);
    const parsed = this.schema.safeParse(whole);
    const found = parsed.success ? [] : problemsOf(parsed.error, this.#whole(), whole);
    const between = this.check(fieldsOf(parsed.success ? parsed.data : this.#lenient(whole)));
    // A field that is wrong by itself, or in something that is, is not wrong again beside others.
    const isNew = ({ path }: Problem): boolean =>
      found.every((other) => other.path !== "" && path !== other.path && !path.startsWith(`${other.path}.`));
    const problems = [...found, ...between.filter(isNew)];
    if (parsed.success && problems.length === 0) return resolvePaths(parsed.data, this.#whole(), origins, from);
    throw invalid(problems, origins);
  }

  override check(fields: Fields): readonly Problem[] {
    return this.#sections.flatMap((section) => section.check(fields));
  }

  /** What a recipe may hold as JSON Schema, where some fields may be left out that a checked experiment has. */
  override jsonSchema(): JsonSchema {
    return withOptionalFields(this.#whole());
  }

  /** SHA-256 of an experiment, whatever the order of its keys. */
  static hash(experiment: Experiment): string {
    return createHash("sha256").update(canonicalJson(experiment)).digest("hex");
  }

  /** The schema of a checked experiment. */
  #whole(): JsonSchema {
    this.#json ??= super.jsonSchema();
    return this.#json;
  }

  /** What is valid with its defaults, and what is not as it came: enough to look for more problems. */
  #lenient(whole: unknown): object {
    const sections = this.#sections.map(({ section, schema }) => {
      const value = fieldOf(whole, section);
      const parsed = schema.safeParse(value);
      return [section, parsed.success ? parsed.data : value];
    });
    return Object.fromEntries(sections) as object;
  }
}

function invalid(problems: readonly Problem[], origins: Origins): PipeError {
  const placed = problems.map((problem) => ({ ...problem, ...placeOf(problem, origins) }));
  // In the order of the recipe; what came over it goes last.
  placed.sort((a, b) => (a.line === b.line ? 0 : a.line - b.line) || (a.column === b.column ? 0 : a.column - b.column));
  const lines = placed.map(
    ({ place, path, expected, got }) => `  ${place}${path === "" ? "(top)" : path}: expected ${expected}, got ${got}`,
  );
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new PipeError("config-invalid", `The configuration has ${count}:\n${lines.join("\n")}`, {
    fix: "change these fields; `pipe config schema` lists all of them",
  });
}

function placeOf({ path, part = "value" }: Problem, origins: Origins): { readonly place: string } & Position {
  const last = { line: Infinity, column: Infinity };
  const origin = originOf(origins, path);
  if (origin === undefined) return { place: "", ...last };
  if (origin.source !== "recipe") return { place: `${formatOrigin(origin)}: `, ...last };
  // What is missing has no place of its own: the key of what should hold it has.
  const shown = origins.has(path) || origin.key === undefined ? part : "key";
  return { place: `${formatOrigin(origin, shown)}: `, ...(origin[shown] ?? { line: 0, column: 0 }) };
}
