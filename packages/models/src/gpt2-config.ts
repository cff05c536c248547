import { PipeError } from "@pipe/core";

/** Size and dropout of a GPT-2 model. */
export type GPT2Options = {
  /** Number of token ids. */
  readonly vocabulary: number;
  /** Longest window. */
  readonly positions: number;
  /** Channels of the residual stream. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Channels inside the MLP; default 4 × width. */
  readonly hidden?: number;
  /** Share of elements set to 0 in training, after the embedding, the attention and the MLP; default 0. */
  readonly dropout?: number;
  /** Default 1e-5. */
  readonly layerNormEpsilon?: number;
  /**
   * The token embedding gets rows of zeros until their number is a multiple of this, which suits a GPU's matrix units or a
   * split over devices; default 1. No token has these rows, they get no logits and are not stored.
   */
  readonly vocabularyMultiple?: number;
};

const SIZES = ["vocabulary", "positions", "width", "layers", "heads", "hidden", "vocabularyMultiple"] as const;

/** Checks the options and fills the defaults in. @throws PipeError `model-invalid`. */
export function resolveGPT2Options(options: GPT2Options): Required<GPT2Options> {
  const resolved = { hidden: 4 * options.width, dropout: 0, layerNormEpsilon: 1e-5, vocabularyMultiple: 1, ...options };
  for (const name of SIZES) {
    const value = resolved[name];
    if (!Number.isInteger(value) || value < 1) {
      throw new PipeError("model-invalid", `A model's ${name} must be a positive integer.`, {
        got: String(value),
        where: `model.${name}`,
      });
    }
  }
  if (resolved.width % resolved.heads !== 0) {
    throw new PipeError("model-invalid", "The heads of a model must divide its width.", {
      expected: `width a multiple of ${resolved.heads}`,
      got: String(resolved.width),
      where: "model.heads",
    });
  }
  if (!(resolved.dropout >= 0 && resolved.dropout < 1)) {
    throw new PipeError("model-invalid", "Dropout must be in [0, 1).", {
      got: String(resolved.dropout),
      where: "model.dropout",
    });
  }
  return resolved;
}
