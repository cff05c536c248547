/**
 * A plug-in with one metric, `wordPerplexity`.
 *
 * @packageDocumentation
 */
import { defineComponent, definePlugin, serviceTokens } from "@pipe/core";
import { wordPerplexity } from "./word-perplexity.ts";

export default definePlugin({
  name: "@pipe/example-word-perplexity",
  components: [
    defineComponent({
      port: "metric",
      kind: "wordPerplexity",
      create: async (_, services) => wordPerplexity(await services.get(serviceTokens.tokenizer)),
    }),
  ],
});
