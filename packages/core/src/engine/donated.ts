/** Whether an input's path is named by one of these prefixes of `donate`. */
export function isDonated(path: string, prefixes: readonly string[] = []): boolean {
  return prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}
