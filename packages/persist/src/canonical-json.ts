import { PipeError, type Json } from "@pipe/core";

/**
 * Writes JSON with sorted keys and two spaces of indentation: equal values give equal bytes.
 *
 * @throws PipeError `state-invalid` for what JSON would change in silence: `undefined`, functions, NaN and infinities.
 */
export function canonicalJson(value: Json, where: string): string {
  return `${JSON.stringify(sorted(value, where), null, 2)}\n`;
}

function sorted(value: Json, where: string): Json {
  if (Array.isArray(value)) return value.map((item, index) => sorted(item as Json, `${where}[${index}]`));
  if (value !== null && typeof value === "object") {
    const record = value as { readonly [key: string]: Json };
    const keys = Object.keys(record).sort();
    return Object.fromEntries(keys.map((key) => [key, sorted(record[key]!, `${where}.${key}`)]));
  }
  const survives =
    value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value as number);
  if (survives) return value;
  throw new PipeError("state-invalid", "A value cannot be stored as JSON.", {
    expected: "null, a boolean, a finite number, a string, an array or a plain object",
    got: String(value),
    where,
    fix: "write it as null or as a string in capture()",
  });
}
