/**
 * Contract suites: what every implementation of a port must do, as tests that take the test runner as an argument.
 *
 * @packageDocumentation
 */
export type { Expectation, TestFramework } from "./framework.ts";
export { dataSourceContract } from "./data-source-contract.ts";
export { tokenizerContract } from "./tokenizer-contract.ts";
export { batchLoaderContract } from "./batch-loader-contract.ts";
export { embedderContract } from "./embedder-contract.ts";
export { documentIndexerContract } from "./document-indexer-contract.ts";
export { eventBusContract } from "./event-bus-contract.ts";
export { checkpointerContract } from "./checkpointer-contract.ts";
export { vectorStoreContract } from "./vector-store-contract.ts";
