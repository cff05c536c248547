import { defineRecipe, type Recipe } from "@pipe/config";
import { expect, it } from "vitest";
import { loadExperiment } from "./experiment.ts";
import type { BuiltInDefinitions } from "./modules.ts";

// With the built-in definitions in the program, the compiler knows every option of a recipe.
type Kinds = BuiltInDefinitions[number]["kind"];
const onnx: Kinds = "onnx";

it("recipes are typed by the components that are installed", async () => {
  const recipe = defineRecipe({
    engine: { threads: 1 },
    data: { source: { kind: "text", path: "a.txt" }, tokenizer: { kind: "gpt" }, sequenceLength: 8 },
    model: { kind: "gpt2", positions: 8, width: 8, layers: 1, heads: 1 },
    optimization: { schedule: { rate: 0.1 }, optimizer: { kind: "adamw", beta2: 0.9 } },
    training: { steps: 1 },
  });
  const { experiment } = await loadExperiment(recipe);
  expect([experiment.engine.kind, experiment.optimization.schedule.kind]).toEqual([onnx, "cosine"]);

  const { data, training } = recipe;
  // Stored weights bring the rest.
  const started = defineRecipe({
    data: { source: data.source as never },
    training,
    model: { from: "a", dropout: 0.1 },
  });
  expect(started.model).toEqual({ from: "a", dropout: 0.1 });
  // @ts-expect-error an option that gpt2 does not have
  defineRecipe({ data, training, model: { kind: "gpt2", positions: 8, width: 8, layers: 1, heads: 1, wdith: 8 } });
  // @ts-expect-error an option of another type
  defineRecipe({ data, training, model: { kind: "gpt2", positions: "8", width: 8, layers: 1, heads: 1 } });
  // @ts-expect-error a kind that no installed package has
  defineRecipe({ data, training, model: { kind: "llama" } });
  // A plug-in may bring it.
  const open: Recipe = defineRecipe({ data, training, model: { kind: "llama", any: 1 }, plugins: ["./llama.ts"] });
  expect(open.plugins).toEqual(["./llama.ts"]);
});
