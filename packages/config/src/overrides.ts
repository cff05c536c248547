import { PipeError } from "@pipe/core";
import { parse } from "yaml";

type Raw = { readonly [key: string]: unknown };

/**
 * Sets fields of a raw recipe from texts such as `training.steps=100`; the value is read as YAML. Returns a new object.
 * @throws PipeError `override-invalid`.
 */
export function applyOverrides(raw: Raw, overrides: readonly string[]): Raw {
  return overrides.reduce<Raw>((result, text) => {
    const equals = text.indexOf("=");
    const path = text.slice(0, Math.max(equals, 0)).trim();
    if (equals < 1 || path.split(".").some((key) => key === "")) {
      throw new PipeError("override-invalid", "An override has another form.", {
        expected: "path.to.field=value",
        got: text,
      });
    }
    return set(result, path.split("."), valueOf(text.slice(equals + 1), text), text);
  }, raw);
}

function valueOf(text: string, override: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (cause) {
    throw new PipeError("override-invalid", "The value of an override is not YAML.", { got: override, cause });
  }
}

function set(node: Raw, [key, ...rest]: readonly string[], value: unknown, override: string): Raw {
  if (rest.length === 0) return { ...node, [key!]: value };
  const inner = node[key!] ?? {};
  if (typeof inner !== "object" || Array.isArray(inner)) {
    throw new PipeError("override-invalid", "An override goes into something that has no fields.", {
      expected: `an object at ${key!}`,
      got: JSON.stringify(inner),
      where: override,
    });
  }
  return { ...node, [key!]: set(inner as Raw, rest, value, override) };
}
