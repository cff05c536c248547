import { PipeError } from "@pipe/core";
import { geluMLP } from "./gelu-mlp.ts";
import { groupedQueryAttention } from "./grouped-query-attention.ts";
import { multiHeadAttention, slidingWindowAttention } from "./multi-head-attention.ts";
import { reluSquaredMLP } from "./relu-squared-mlp.ts";
import type { AttentionStrategy, MLPStrategy } from "./strategies.ts";
import { swigluMLP } from "./swiglu-mlp.ts";

/** A built-in attention as a configuration names it. */
export type AttentionConfig =
  | { readonly kind: "multi-head" }
  | { readonly kind: "grouped-query"; readonly groups: number }
  | { readonly kind: "sliding-window"; readonly window: number };

/** A built-in MLP as a configuration names it. */
export type MLPConfig = { readonly kind: "gelu" | "swiglu" | "relu-squared" };

/** Makes a built-in attention. @throws PipeError `model-invalid`. */
export function createAttention(config: AttentionConfig): AttentionStrategy {
  if (config.kind === "grouped-query") return groupedQueryAttention(config.groups);
  if (config.kind === "sliding-window") return slidingWindowAttention(config.window);
  if (config.kind === "multi-head") return multiHeadAttention;
  return unknownStrategy(
    "attention",
    (config as { kind: unknown }).kind,
    "multi-head, grouped-query or sliding-window",
  );
}

/** Makes a built-in MLP. @throws PipeError `model-invalid`. */
export function createMLP({ kind }: MLPConfig): MLPStrategy {
  const found = [geluMLP, swigluMLP, reluSquaredMLP].find((strategy) => strategy.kind === kind);
  return found ?? unknownStrategy("MLP", kind, "gelu, swiglu or relu-squared");
}

function unknownStrategy(what: string, kind: unknown, expected: string): never {
  throw new PipeError("model-invalid", `There is no such ${what}.`, { expected, got: JSON.stringify(kind) });
}
