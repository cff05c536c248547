import { messageOf, PipeError } from "@pipe/core";
import { parse } from "yaml";
import type { Origin } from "./origin.ts";
import { topLevelKeys } from "./experiment-schema.ts";

/** A value that is put over those of a recipe. */
export type Assignment = {
  /** As in `["training", "steps"]`. */
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: Origin;
};

/**
 * Reads `--set` flags such as `training.steps=100`; the value is YAML.
 * @throws PipeError `override-invalid`.
 */
export function fromFlags(texts: readonly string[]): readonly Assignment[] {
  return texts.map((text) => {
    const flag = `--set ${text}`;
    const equals = text.indexOf("=");
    const path = text.slice(0, Math.max(equals, 0)).trim().split(".");
    if (equals < 1 || path.includes("")) {
      throw new PipeError("override-invalid", "A field is set in another form.", {
        expected: "--set path.to.field=value",
        got: flag,
      });
    }
    return { path, value: yamlValue(text.slice(equals + 1), flag), origin: { source: "flag", flag } };
  });
}

/**
 * Reads the variables that begin with `PIPE_`. Two underscores go one level down and one joins words:
 * `PIPE_DATA__SEQUENCE_LENGTH=64` is `data.sequenceLength: 64`; the value is YAML, an empty one counts as not set.
 * A variable without two underscores is read if it names a top-level field, as in `PIPE_SEED`; others belong to other tools.
 * @throws PipeError `override-invalid`.
 */
export function fromEnvironment(env: { readonly [name: string]: string | undefined }): readonly Assignment[] {
  return Object.entries(env).flatMap(([variable, text]): Assignment[] => {
    if (!variable.startsWith("PIPE_") || text === undefined || text === "") return [];
    const name = variable.slice("PIPE_".length);
    const path = name.split("__").map(camelCase);
    if (path.length === 1 && !topLevelKeys.includes(path[0]!)) {
      const section = topLevelKeys.find((key) => name.startsWith(`${key.toUpperCase()}_`));
      if (section === undefined) return [];
      throw new PipeError("override-invalid", "A variable of the environment names no field.", {
        expected: `PIPE_${section.toUpperCase()}__${name.slice(section.length + 1)}, with two underscores`,
        got: variable,
      });
    }
    if (path.includes("")) {
      throw new PipeError("override-invalid", "A variable of the environment has another form.", {
        expected: "PIPE_SECTION__FIELD",
        got: variable,
      });
    }
    return [{ path, value: yamlValue(text, variable), origin: { source: "environment", variable } }];
  });
}

function camelCase(words: string): string {
  return words.toLowerCase().replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase());
}

function yamlValue(text: string, where: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (cause) {
    throw new PipeError("override-invalid", "A value is not valid YAML.", {
      got: messageOf(cause).split("\n")[0]!,
      where,
      fix: "put quotes around it",
      cause,
    });
  }
}
