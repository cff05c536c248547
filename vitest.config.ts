import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { defineConfig } from "vitest/config";
import { foundServices, unmeasured } from "./tools/services.mjs";

// Tests run from TypeScript sources: no build is needed.
const conditions = ["@pipe/source", "module", "node", "development|production"];

const folders = globSync("{packages,apps,examples}/*/package.json")
  .map((path) => dirname(path))
  .sort();
const measured = folders.filter((folder) => !folder.startsWith("examples/"));
// tools/test.mjs says which are left out.
const left = unmeasured();
const held = measured.filter((folder) => !left.has(folder.split("/").at(-1)!));

export default defineConfig({
  test: {
    // Many tests wait for a process or a disk: two at a time are a fifth faster on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [...folders, "tests"].map((folder) => ({
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name: folder.split("/").at(-1)!,
        root: folder,
        include: ["src/**/*.test.ts"],
        // Tests that need a service skip themselves where its variable is not set.
        env: foundServices(),
        isolate: false,
        // Where V8 replaces a wrapper of a function that WebAssembly calls often, it now and then ends a process of many threads
        // ("Check failed: jit_page.has_value()", Node 24; nodejs/node#64500 is like it): here it never does.
        execArgv: ["--wasm-wrapper-tiering-budget=1000000000"],
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    })),
    coverage: {
      provider: "v8",
      include: measured.map((folder) => `${folder}/src/**/*.ts`),
      // A worker entry is three lines that connect a port to a module that is tested in the main thread.
      exclude: ["**/*.test.ts", "**/*.worker.ts"],
      reporter: ["text-summary", "json-summary", "json"],
      thresholds: Object.fromEntries(held.map((folder) => [`${folder}/src/**`, { lines: 90, branches: 90 }])),
    },
  },
});
