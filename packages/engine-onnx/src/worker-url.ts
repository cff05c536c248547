const isSource = import.meta.url.endsWith(".ts");

/** The entry of a worker beside this module, as it lies here: source in the repository, JavaScript in the package. */
export function workerUrl(name: "session" | "gpu/gpu"): URL {
  return new URL(`./${name}.worker.${isSource ? "ts" : "js"}`, import.meta.url);
}

/** What a worker needs to run from sources. */
export const workerOptions = isSource ? { execArgv: ["--conditions=@pipe/source"] } : {};
