import type { Files } from "./new-files.ts";
import type { SourceOfText } from "./source-of-text.ts";

/** What a new recipe is about. */
export type RecipeNames = {
  /** Name of the runs. */
  readonly name: string;
  /** What reads the text, and where it lies, seen from the recipe. */
  readonly source: SourceOfText & { readonly path: string };
  /** The schema of everything that is installed, for editors. */
  readonly schema: object;
};

/** A recipe to change, with a word about each field, and the schema with which editors complete and check it. */
export function recipeFiles({ name, source, schema }: RecipeNames): Files {
  return {
    "recipe.yaml": recipe(name, source),
    "recipe.schema.json": `${JSON.stringify(schema, null, 2)}\n`,
  };
}

const recipe = (name: string, { kind, path, field }: RecipeNames["source"]): string => `\
# yaml-language-server: $schema=recipe.schema.json
# Train it: pipe train recipe.yaml      See every field with its default: pipe config show recipe.yaml
name: ${name}
seed: 1

engine: { kind: auto } # the fastest that is here: pipe engines

data:
  source: { kind: ${kind}, path: ${JSON.stringify(path)}${field === undefined ? "" : `, field: ${JSON.stringify(field)}`} } # text, markdown, jsonl, parquet, huggingface
  tokenizer: { kind: char } # for much text: { kind: gpt, encoding: r50k_base }
  sequenceLength: 128 # tokens that the model sees at once
  split: { by: ${kind === "text" ? "tail" : "document"}, fraction: 0.1 } # a tenth is kept to measure with

model: { kind: gpt2, positions: 128, width: 128, layers: 4, heads: 4, dropout: 0.1 }

training: { steps: 2000, batch: 16 } # or tokens, epochs, hours

optimization:
  optimizer: { kind: adamw, beta2: 0.99 }
  schedule: { kind: cosine, rate: 0.002, warmup: 50, minimum: 0.0001 } # a rate for this model: pipe find-lr recipe.yaml

evaluation:
  every: 250 # steps
  batches: 40
  sample: { every: 500, tokens: 200, temperature: 0.7 }

checkpoint: { every: 250, keepLast: 2, keepBest: loss }
`;
