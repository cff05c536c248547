import { PipeError } from "@pipe/core";
import { DocumentStrategy } from "./document-strategy.ts";
import type { IndexingStrategy } from "./indexing-strategy.ts";
import { SectionStrategy } from "./section-strategy.ts";
import { SentenceStrategy } from "./sentence-strategy.ts";
import { WindowStrategy } from "./window-strategy.ts";

/** One of the built-in strategies as plain data, as a configuration or another thread has it. */
export type StrategyConfig =
  | { readonly kind: "section"; readonly tokens?: number | undefined }
  | { readonly kind: "window"; readonly tokens?: number | undefined; readonly overlap?: number | undefined }
  | { readonly kind: "sentence"; readonly tokens?: number | undefined }
  | { readonly kind: "document" };

/** Makes a built-in strategy. @throws PipeError `strategy-invalid`. */
export function createStrategy(config: StrategyConfig): IndexingStrategy {
  switch (config.kind) {
    case "section":
      return new SectionStrategy(config);
    case "window":
      return new WindowStrategy(config);
    case "sentence":
      return new SentenceStrategy(config);
    case "document":
      return new DocumentStrategy();
    default:
      throw new PipeError("strategy-invalid", "There is no such way to cut documents into passages.", {
        expected: "section, window, sentence or document",
        got: String((config as { kind: unknown }).kind),
      });
  }
}
