import { join } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";

it("core, graph, models and optim bundle for a browser", async () => {
  const contents = ["core", "graph", "graph/ops", "models", "optim"]
    .map((name) => `export * as ${name.replace("/", "_")} from "@pipe/${name}";`)
    .join("\n");
  const { outputFiles, warnings, errors } = await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, "..") },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["@pipe/source"],
    logLevel: "silent",
  });
  expect([errors, warnings.filter(({ id }) => id === "unsupported-dynamic-import")]).toEqual([[], []]);
  expect(outputFiles[0]!.text).toContain("linearCrossEntropyWithGradients");
  expect(outputFiles[0]!.text).not.toMatch(/from "node:/);
});
