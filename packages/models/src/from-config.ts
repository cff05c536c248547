import type { Json } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { type AttentionConfig, createAttention, createMLP, type MLPConfig } from "./built-in-strategies.ts";
import { GPT2Model } from "./gpt2-model.ts";

/** Options of GPT-2 in transformers that change what it computes, with the only value that GPT2Model knows. */
const USUAL: { readonly [name: string]: boolean } = {
  tie_word_embeddings: true,
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  add_cross_attention: false,
};

/**
 * Makes the model that a `config.json` of Hugging Face's form describes.
 * @throws PipeError `model-unsupported` for another architecture or options that change what GPT-2 computes, `model-invalid`
 * for a strategy that is not built in.
 */
export function modelFromConfig(config: Json): GPT2Model {
  const values = (config ?? {}) as { readonly [name: string]: Json };
  const refuse = (name: string, expected: string): never => {
    throw new PipeError("model-unsupported", "This config.json describes a model that GPT2Model cannot be.", {
      expected,
      got: `${name}: ${JSON.stringify(values[name])}`,
    });
  };
  if (values["model_type"] !== "gpt2" && values["model_type"] !== "pipe-gpt2") refuse("model_type", '"gpt2"');
  const activation = values["activation_function"] ?? "gelu_new";
  if (activation !== "gelu_new" && activation !== "gelu_pytorch_tanh") refuse("activation_function", '"gelu_new"');
  for (const [name, usual] of Object.entries(USUAL)) if ((values[name] ?? usual) !== usual) refuse(name, String(usual));
  const number = (name: string, fallback: number): number => {
    const value = values[name] ?? fallback;
    return typeof value === "number" ? value : refuse(name, "a number");
  };
  const width = number("n_embd", 768);
  const attention = (values["pipe_attention"] ?? { kind: "multi-head" }) as unknown as AttentionConfig;
  const mlp = (values["pipe_mlp"] ?? { kind: "gelu" }) as unknown as MLPConfig;
  const parts = { attention: createAttention(attention), mlp: createMLP(mlp) };
  const sizes = {
    vocabulary: number("vocab_size", 50257),
    positions: number("n_positions", 1024),
    width,
    layers: number("n_layer", 12),
    heads: number("n_head", 12),
    hidden: number("n_inner", 4 * width),
    dropout: number("resid_pdrop", 0.1),
    layerNormEpsilon: number("layer_norm_epsilon", 1e-5),
  };
  return new GPT2Model(sizes, parts);
}
