/** Whether a path is one of these prefixes or below one: `"state/params/w"` is under `"state"`. */
export function isUnderAny(prefixes: readonly string[], path: string): boolean {
  return prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}
