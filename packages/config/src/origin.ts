/** A place in a text, both from 1 on. */
export type Position = { readonly line: number; readonly column: number };

/** Where a value of a configuration came from. */
export type Origin =
  | {
      readonly source: "recipe";
      /** The file as it was named, or what a recipe without a file is called. */
      readonly name: string;
      /** The folder that relative paths are seen from; default the working folder. */
      readonly folder?: string;
      /** Of the key, and of its value; modules have neither. */
      readonly key?: Position;
      readonly value?: Position;
    }
  | { readonly source: "environment"; readonly variable: string }
  | { readonly source: "flag"; readonly flag: string };

/** Origins by path, as in `model.heads`; `""` is the whole. What has none is where its parent is. */
export type Origins = ReadonlyMap<string, Origin>;

/** A configuration before it is checked, and where its values came from. */
export type RawConfig = { readonly raw: { readonly [key: string]: unknown }; readonly origins: Origins };

/** A configuration that came as one object. */
export function rawConfig(raw: RawConfig["raw"], origin: Origin): RawConfig {
  return { raw, origins: new Map([["", origin]]) };
}

/** The origin of a path, or of the nearest parent that has one. */
export function originOf(origins: Origins, path: string): Origin | undefined {
  const own = origins.get(path);
  if (own !== undefined || path === "") return own;
  return originOf(origins, path.slice(0, Math.max(path.lastIndexOf("."), 0)));
}

/** An origin as a person finds it: `notes.yaml:3:7`, `PIPE_TRAINING__STEPS` or `--set training.steps=3`. */
export function formatOrigin(origin: Origin, part: "key" | "value" = "value"): string {
  if (origin.source === "environment") return origin.variable;
  if (origin.source === "flag") return origin.flag;
  const position = origin[part];
  return position === undefined ? origin.name : `${origin.name}:${position.line}:${position.column}`;
}
