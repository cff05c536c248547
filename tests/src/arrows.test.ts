import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const names = globSync("packages/*/package.json", { cwd: root }).map((path) => path.split("/")[1]!);

/** Which of our packages each package may import at run time. */
const arrows: { readonly [name: string]: readonly string[] } = {
  core: [],
  graph: ["core"],
  "engine-onnx": ["core", "graph"],
  "engine-tfjs": ["core", "graph"],
  "engine-xla": ["core", "graph"],
  models: ["core", "graph"],
  optim: ["core", "graph"],
  train: ["core", "graph"],
  eval: ["core", "graph"],
  data: ["core"],
  monitor: ["core"],
  persist: ["core"],
  config: ["core"],
  di: ["core"],
  indexer: ["core"],
  pipeline: ["core", "config", "di", "data", "models", "optim", "train", "eval", "monitor", "persist"],
};
/** Imported by kind on first use. */
const optionalPeers: typeof arrows = { pipeline: ["engine-onnx", "engine-tfjs", "engine-xla", "indexer"] };
/** Packages whose non-test files run in a browser. */
const browserClean = ["core", "graph", "models", "optim"];

const isTest = (path: string): boolean => /\.test\./.test(path) || path.includes("/testing/");
const sources = (name: string): string[] =>
  globSync(`packages/${name}/src/**/*.ts`, { cwd: root }).filter((path) => !isTest(path));

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/(?<![\w".])(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
}

const packageOf = (specifier: string): string =>
  specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0]!;

describe("the arrows between packages", () => {
  it("are listed for every package", () => {
    expect(Object.keys(arrows).sort()).toEqual([...names].sort());
  });

  it.each(names)("%s imports and depends on what its list allows", (name) => {
    const manifest = JSON.parse(readFileSync(join(root, `packages/${name}/package.json`), "utf8"));
    const allowed = [...arrows[name]!, ...(optionalPeers[name] ?? [])].map((other) => `@pipe/${other}`);
    const used = new Set(sources(name).flatMap(importsOf).map(packageOf));
    const ours = [...used].filter((specifier) => specifier.startsWith("@pipe/") && specifier !== `@pipe/${name}`);
    expect(ours.filter((specifier) => !allowed.includes(specifier))).toEqual([]);
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect(declared.filter((dependency) => dependency.startsWith("@pipe/") && !allowed.includes(dependency))).toEqual(
      [],
    );
    const foreign = [...used].filter((specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:"));
    const known = (specifier: string): boolean =>
      declared.includes(specifier) || declared.includes(`@types/${specifier}`);
    expect(foreign.filter((specifier) => specifier !== `@pipe/${name}` && !known(specifier))).toEqual([]);
  });

  it("have no cycle, development included", () => {
    const edges = new Map(
      names.map((name) => {
        const manifest = JSON.parse(readFileSync(join(root, `packages/${name}/package.json`), "utf8"));
        const all = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
        return [name, all.filter((each) => each.startsWith("@pipe/")).map((each) => each.slice(6))];
      }),
    );
    const visit = (name: string, path: readonly string[]): void => {
      expect(path).not.toContain(name);
      for (const next of edges.get(name)!) visit(next, [...path, name]);
    };
    for (const name of names) visit(name, []);
  });

  it.each(browserClean)("%s imports nothing of Node", (name) => {
    expect(
      sources(name)
        .flatMap(importsOf)
        .filter((specifier) => specifier.startsWith("node:")),
    ).toEqual([]);
  });

  it("zod is imported in definitions and config only", () => {
    const others = names
      .filter((name) => name !== "config")
      .flatMap(sources)
      .filter((path) => !path.endsWith("/definitions.ts"));
    const offending = others.filter((path) =>
      /import \{[^}]*\} from "zod"/.test(readFileSync(join(root, path), "utf8")),
    );
    expect(offending).toEqual([]);
  });
});
