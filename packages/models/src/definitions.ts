import { defineComponent, serviceTokens } from "@pipe/core";
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
});

/** The models of this package, as a configuration names them. */
export const definitions = [
  defineComponent({
    port: "model",
    kind: "gpt2",
    schema: gpt2,
    create: async ({ kind: _, vocabulary, hidden, ...sizes }, services) => {
      const { GPT2Model } = await import("./gpt2-model.ts");
      const count = vocabulary ?? (await services.get(serviceTokens.tokenizer)).vocabulary;
      return new GPT2Model({ ...sizes, vocabulary: count, ...(hidden === undefined ? {} : { hidden }) });
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/models": typeof definitions;
  }
}
