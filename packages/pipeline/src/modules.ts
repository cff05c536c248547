import type { DefinitionModule } from "@pipe/di";

const data = (): ReturnType<DefinitionModule["load"]> => import("@pipe/data/definitions");
const indexer = (): ReturnType<DefinitionModule["load"]> => import("@pipe/indexer/definitions");
const optim = (): ReturnType<DefinitionModule["load"]> => import("@pipe/optim/definitions");

/** The built-in components: which package defines which kinds, imported when a configuration names one. */
export const builtInModules: readonly DefinitionModule[] = [
  {
    package: "@pipe/data",
    port: "source",
    kinds: ["text", "jsonl", "markdown", "parquet", "huggingface", "chempile"],
    load: data,
  },
  { package: "@pipe/data", port: "tokenizer", kinds: ["byte", "char", "gpt"], load: data },
  { package: "@pipe/models", port: "model", kinds: ["gpt2"], load: () => import("@pipe/models/definitions") },
  {
    package: "@pipe/optim",
    port: "optimizer",
    kinds: ["adamw", "adam", "lion", "sgd", "adafactor", "muon"],
    load: optim,
  },
  {
    package: "@pipe/optim",
    port: "schedule",
    kinds: ["constant", "cosine", "linear", "wsd", "oneCycle", "inverseSqrt"],
    load: optim,
  },
  {
    package: "@pipe/eval",
    port: "metric",
    kinds: ["loss", "perplexity", "bitsPerByte", "accuracy"],
    load: () => import("@pipe/eval/definitions"),
  },
  { package: "@pipe/indexer", port: "embedder", kinds: ["model", "onnx", "http"], load: indexer },
  { package: "@pipe/indexer", port: "store", kinds: ["usearch", "postgres"], load: indexer },
  {
    package: "@pipe/engine-onnx",
    port: "engine",
    kinds: ["onnx"],
    load: () => import("@pipe/engine-onnx/definitions"),
    install: "ONNXRUNTIME_NODE_INSTALL=skip npm install @pipe/engine-onnx onnxruntime-node",
  },
  {
    package: "@pipe/engine-tfjs",
    port: "engine",
    kinds: ["tfjs"],
    load: () => import("@pipe/engine-tfjs/definitions"),
    install: "npm install @pipe/engine-tfjs",
  },
  { package: "@pipe/engine-xla", port: "engine", kinds: ["xla"], load: () => import("@pipe/engine-xla/definitions") },
  {
    package: "@pipe/pipeline",
    port: "engine",
    kinds: ["auto"],
    load: () => import("./engine-choice/auto-engine.ts"),
  },
];

/** The built-in components at compile time; with it, recipes complete in an editor (`defineRecipe`). */
export type BuiltInDefinitions =
  | typeof import("@pipe/data/definitions").definitions
  | typeof import("@pipe/models/definitions").definitions
  | typeof import("@pipe/optim/definitions").definitions
  | typeof import("@pipe/eval/definitions").definitions
  | typeof import("@pipe/indexer/definitions").definitions
  | typeof import("./engine-choice/auto-engine.ts").definitions
  | typeof import("@pipe/engine-onnx/definitions").definitions
  | typeof import("@pipe/engine-tfjs/definitions").definitions
  | typeof import("@pipe/engine-xla/definitions").definitions;
