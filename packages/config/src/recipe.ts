import type { InstalledDefinitions, PortName } from "@pipe/core";
import type { z } from "zod";
import type { ComponentConfig } from "./component-schema.ts";
import type { defaultKinds } from "./default-kinds.ts";
import type { experimentSchema } from "./experiment-schema.ts";

type ElementOf<List> = List extends readonly (infer Element)[] ? Element : never;
type Each = ElementOf<InstalledDefinitions[keyof InstalledDefinitions]>;
type InputOf<Definition> = Definition extends { readonly schema: z.ZodType<unknown, infer Input> }
  ? Input
  : Definition extends { readonly kind: infer Kind }
    ? { readonly kind: Kind }
    : never;

/** What a recipe may say about a component of a port: one of the installed kinds, or anything where none is known. */
export type ComponentInput<Port extends PortName> = [Each] extends [never]
  ? ComponentConfig
  : InputOf<Extract<Each, { readonly port: Port }>>;

/** The same where the kind may be left out because the port has a default. */
type WithDefault<Port extends keyof typeof defaultKinds> =
  | ComponentInput<Port>
  | (Omit<Extract<ComponentInput<Port>, { kind: (typeof defaultKinds)[Port][0] }>, "kind"> & { kind?: never });

type Base = z.input<ReturnType<typeof experimentSchema>>;
type Section<Name extends keyof Base> = NonNullable<Base[Name]>;

/** Where a model's first weights come from. */
type Start = { from?: string };

type Typed = {
  engine?: WithDefault<"engine">;
  data: Omit<Section<"data">, "source" | "tokenizer"> & {
    source: ComponentInput<"source">;
    tokenizer: ComponentInput<"tokenizer">;
  };
  model: ComponentInput<"model"> & Start;
  optimization?: Omit<Section<"optimization">, "optimizer" | "schedule"> & {
    optimizer?: WithDefault<"optimizer">;
    schedule?: WithDefault<"schedule">;
  };
  evaluation?: Omit<Section<"evaluation">, "metrics"> & { metrics?: ComponentInput<"metric">[] };
  indexing?: Omit<Section<"indexing">, "embedder" | "store"> & {
    embedder?: ComponentInput<"embedder">;
    store?: ComponentInput<"store">;
  };
};

/** A section of data whose tokenizer and length of a row the model may bring. */
type Brought<Data extends { tokenizer: unknown; sequenceLength: unknown }> = Omit<
  Data,
  "tokenizer" | "sequenceLength"
> & { tokenizer?: Data["tokenizer"] | undefined; sequenceLength?: Data["sequenceLength"] | undefined };

/** The same where stored weights bring the kind and the sizes of the model, its tokenizer and the length of a row. */
type Started = Omit<Typed, "data" | "model"> & {
  data: Brought<Typed["data"]>;
  model: Partial<ComponentInput<"model">> & Required<Start>;
};

/** What nothing is known of but that plug-ins bring it. */
type Open = Omit<Base, "data" | "model"> & {
  data: Brought<Base["data"]>;
  model: Base["model"] | Required<Start>;
  plugins: string[];
};

/**
 * What a recipe may hold; everything with a default can be left out. Without plug-ins every component is one of the
 * installed kinds; those of plug-ins are checked when the recipe is read.
 */
export type Recipe = (Omit<Base, keyof Typed | "plugins"> & (Typed | Started) & { plugins?: [] }) | Open;

/** Returns the recipe as it is: for completion in an editor. */
export function defineRecipe(recipe: Recipe): Recipe {
  return recipe;
}
