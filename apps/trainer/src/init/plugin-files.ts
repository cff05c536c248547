import type { Files } from "./new-files.ts";

/** A package with a metric to change: the plug-in, its test, and a short recipe that uses it. */
export function pluginFiles(name: string, version: string): Files {
  return {
    "package.json": `${JSON.stringify(manifest(name, version), null, 2)}\n`,
    "tsconfig.json": `${JSON.stringify(compiler, null, 2)}\n`,
    "src/index.ts": plugin(name),
    "src/index.test.ts": test,
    "recipe.yaml": recipe(name),
    "README.md": readme(name),
  };
}

const manifest = (name: string, version: string): object => ({
  name,
  version: "0.1.0",
  type: "module",
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
  files: ["dist", "!dist/*.test.*"],
  keywords: ["pipe-plugin"],
  scripts: { build: "tsc", test: "vitest run", prepack: "npm run build" },
  peerDependencies: { "@pipe/core": `^${version}` },
  devDependencies: {
    "@pipe/core": `^${version}`,
    "@pipe/trainer": `^${version}`,
    typescript: "^7.0.2",
    vitest: "^5.1.1",
  },
});

const compiler = {
  compilerOptions: {
    target: "es2023",
    lib: ["es2023", "esnext.disposable"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    rootDir: "src",
    outDir: "dist",
  },
  include: ["src"],
};

const plugin = (name: string): string => `\
import { defineComponent, definePlugin, type IMetric } from "@pipe/core";

/** Bits that the model needs for a token: its loss in base 2. */
export const bitsPerToken: IMetric = {
  name: "bitsPerToken",
  better: "lower",
  sums: () => ({}), // the sums of the loss and of the weights are there for every metric
  value: ({ lossSum, weight }) => lossSum! / weight! / Math.LN2,
};

export default definePlugin({
  name: ${JSON.stringify(name)},
  components: [defineComponent({ port: "metric", kind: "bitsPerToken", create: () => bitsPerToken })],
});
`;

const test = `\
import { expect, it } from "vitest";
import { bitsPerToken } from "./index.ts";

it("is one bit where two tokens are equally likely", () => {
  expect(bitsPerToken.value({ lossSum: 10 * Math.log(2), weight: 10 })).toBeCloseTo(1, 12);
});
`;

const recipe = (name: string): string => `\
# npx pipe train recipe.yaml
name: ${name}
plugins: [./src/index.ts]
data:
  source: { kind: markdown, path: README.md } # name text of your own here
  tokenizer: { kind: char }
  sequenceLength: 16
  split: { by: tail, fraction: 0.2 }
model: { kind: gpt2, positions: 16, width: 32, layers: 1, heads: 2 }
training: { steps: 50, batch: 4 }
evaluation: { every: 25, metrics: [{ kind: loss }, { kind: bitsPerToken }] }
`;

const readme = (name: string): string => `\
# ${name}

A plug-in for [@pipe](https://www.npmjs.com/package/@pipe/trainer) with one metric, \`bitsPerToken\`.

\`\`\`sh
npm install
npm test                         # its known numbers
npx pipe train recipe.yaml       # a short run that measures with it
npm publish                      # builds first
\`\`\`

A recipe that uses the published package names it, and the kind:

\`\`\`yaml
plugins: [${JSON.stringify(name)}]
evaluation: { metrics: [{ kind: loss }, { kind: bitsPerToken }] }
\`\`\`

Other components, a data source, a model, an optimizer, a schedule, an engine, are defined in the same way: each port has its
interface in \`@pipe/core\`, and \`@pipe/core/testing\` has the suite of rules that it has to keep.
`;
