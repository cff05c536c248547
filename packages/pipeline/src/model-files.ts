import type { IModel, ITokenizer, Json } from "@pipe/core";

/** The files that say what the weights beside them are: the model's `config.json`, which names the tokenizer's end of text, and `tokenizer.json`. */
export function modelFiles(model: IModel, tokenizer: ITokenizer): { readonly [name: string]: string } {
  const end = tokenizer.endOfText ?? null;
  const config = { ...(model.config() as { readonly [key: string]: Json }), bos_token_id: end, eos_token_id: end };
  return { "config.json": `${JSON.stringify(config, null, 2)}\n`, "tokenizer.json": tokenizer.file() };
}
