/** Where a worker thread of a package begins, and Node's flags for it; those of the process where there are none. */
export type WorkerEntry = { readonly url: URL; readonly options: { readonly execArgv?: string[] } };

/**
 * The entry of a worker thread beside a module, `<name>.worker`, as it lies there: source in the repository, JavaScript in a
 * package. A program that is given as text (`node --input-type=module --eval`) starts it too: Node runs no file with that flag.
 *
 * @param module `import.meta.url` of the module.
 * @param name path of the entry from there.
 */
export function workerEntry(module: string, name: string, flags: readonly string[] = processFlags()): WorkerEntry {
  const isSource = module.endsWith(".ts");
  const url = new URL(`./${name}.worker.${isSource ? "ts" : "js"}`, module);
  if (isSource) return { url, options: { execArgv: ["--conditions=@pipe/source"] } };
  return { url, options: flags.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {} };
}

function processFlags(): readonly string[] {
  return (globalThis as { readonly process?: { readonly execArgv: readonly string[] } }).process?.execArgv ?? [];
}
