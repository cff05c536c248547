import { defineComponent, PipeError, type Services, serviceTokens } from "@pipe/core";
import { z } from "zod";

const size = z.number().int().positive();

const gpt2 = z.strictObject({
  kind: z.literal("gpt2"),
  vocabulary: size.optional().describe("Number of token ids; default that of the tokenizer."),
  positions: size.describe("Longest window in tokens."),
  width: size.describe("Channels of the residual stream; the heads must divide it."),
  layers: size,
  heads: size,
  hidden: size.optional().describe("Channels inside the MLP; default 4 × width."),
  dropout: z.number().min(0).lt(1).default(0),
  layerNormEpsilon: z.number().positive().default(1e-5),
  attention: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("multi-head") }),
      z.strictObject({ kind: z.literal("grouped-query"), groups: size.describe("Heads of keys and values.") }),
      z.strictObject({ kind: z.literal("sliding-window"), window: size.describe("Positions that one sees.") }),
    ])
    .default({ kind: "multi-head" })
    .describe("How positions are mixed."),
  mlp: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("gelu") }),
      z.strictObject({ kind: z.literal("swiglu") }),
      z.strictObject({ kind: z.literal("relu-squared") }),
    ])
    .default({ kind: "gelu" })
    .describe("How each position is transformed."),
  vocabularyMultiple: size
    .default(1)
    .describe("Rows of zeros are added to the token embedding up to a multiple of this, such as 64 on a GPU."),
});

/** The vocabulary that was asked for, or the tokenizer's. @throws PipeError `model-invalid` where the tokenizer has more tokens. */
async function vocabularyOf(wanted: number | undefined, services: Services): Promise<number> {
  if (wanted !== undefined && !services.has(serviceTokens.tokenizer)) return wanted;
  const { vocabulary } = await services.get(serviceTokens.tokenizer);
  if (wanted === undefined || wanted >= vocabulary) return wanted ?? vocabulary;
  throw new PipeError("model-invalid", "The vocabulary of the model lacks tokens of the tokenizer.", {
    expected: `at least ${vocabulary}`,
    got: String(wanted),
    where: "model.vocabulary",
    fix: "use the tokenizer that the model was made with",
  });
}

/** The models of this package, as a configuration names them. */
export const definitions = [
  defineComponent({
    port: "model",
    kind: "gpt2",
    schema: gpt2,
    create: async ({ kind: _, vocabulary, hidden, attention, mlp, ...sizes }, services) => {
      const { GPT2Model } = await import("./gpt2-model.ts");
      const { createAttention, createMLP } = await import("./built-in-strategies.ts");
      const count = await vocabularyOf(vocabulary, services);
      const options = { ...sizes, vocabulary: count, ...(hidden === undefined ? {} : { hidden }) };
      return new GPT2Model(options, { attention: createAttention(attention), mlp: createMLP(mlp) });
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/models": typeof definitions;
  }
}
