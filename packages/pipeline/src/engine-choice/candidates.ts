/** An engine as a recipe names it. */
export type EngineChoice = { readonly kind: string; readonly [option: string]: unknown };

/** An engine that `auto` may take, and its name for people. */
export type Candidate = { readonly name: string; readonly choice: EngineChoice };

/** Taken wherever it starts. */
export const cuda: Candidate = { name: "xla-cuda", choice: { kind: "xla", device: "cuda" } };

/** For processors, in the order in which they are tried where nothing was measured. */
export const processors: readonly Candidate[] = [
  { name: "onnx", choice: { kind: "onnx" } },
  { name: "xla-cpu", choice: { kind: "xla", device: "cpu" } },
];
