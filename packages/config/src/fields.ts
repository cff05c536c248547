import { valueAt } from "./json-schema.ts";

/** Reads fields of an experiment by path; one that is missing or has another type is `undefined`. */
export type Fields = {
  /** Whether there is anything. */
  has(path: string): boolean;
  /** Whether it is `true`. */
  is(path: string): boolean;
  number(path: string): number | undefined;
  text(path: string): string | undefined;
  list(path: string): readonly unknown[] | undefined;
};

/** The fields of anything. */
export function fieldsOf(experiment: unknown): Fields {
  const at = (path: string): unknown => valueAt(experiment, path.split("."));
  const as = <T>(value: unknown, is: boolean): T | undefined => (is ? (value as T) : undefined);
  return {
    has: (path) => at(path) !== undefined,
    is: (path) => at(path) === true,
    number: (path) => as<number>(at(path), Number.isFinite(at(path))),
    text: (path) => as<string>(at(path), typeof at(path) === "string"),
    list: (path) => as<readonly unknown[]>(at(path), Array.isArray(at(path))),
  };
}
