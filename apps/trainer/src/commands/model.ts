import { type IModel, type ParameterSpec, partSpecs, sizeOf } from "@pipe/core";
import { ModelOptimizer } from "@pipe/models";
import { formatBytes, formatCount } from "@pipe/monitor";
import { loadExperiment, readTrainedModel, runTokens } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { parameterTable } from "../parameter-table.ts";
import { findRecipe, overlaid } from "../recipes.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { checkpointFlag, parseCommand, usageError } from "../usage.ts";
import { withParts } from "../with-parts.ts";

/** What is said of a model: its parameters, and for people some lines about it. */
type Description = { readonly model: IModel; readonly lines: readonly string[]; readonly data: object };

/** `pipe model describe [recipe]` or `--run <run>`: parameters, their shapes, and the memory that training them takes. */
export async function model(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    { set: { type: "string", multiple: true }, run: { type: "string" }, checkpoint: { type: "string" } },
    2,
  );
  const [action, recipe] = positionals;
  if (action !== "describe") throw usageError("The model command is describe.");
  if (values.run !== undefined && (recipe !== undefined || values.set !== undefined)) {
    throw usageError("A run's model is as it is: give either --run, or a recipe.");
  }
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const described =
    values.run === undefined
      ? await ofRecipe(host, runsDir, recipe ?? "quick", values.set)
      : await ofRun(runPath(host, runsDir, values.run), values.checkpoint);
  const parameters = described.model.parameters();
  const count = countOf(parameters);
  if (values.json === true) {
    const listed = parameters.map(({ name, shape, decay, trainable }) => ({ name, shape, decay, trainable }));
    host.stdout.write(
      `${JSON.stringify({ kind: described.model.kind, parameters: count, ...described.data, tensors: listed })}\n`,
    );
  } else {
    host.stdout.write(parameterTable(parameters));
    const head = `${described.model.kind} with ${formatCount(count)} parameters in ${parameters.length} tensors`;
    host.stdout.write(`\n${[head, ...described.lines].join("\n")}\n`);
  }
  return 0;
}

function countOf(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

async function ofRun(path: string, checkpoint: string | undefined): Promise<Description> {
  const { model: stored, step, location } = await readTrainedModel(path, checkpointFlag(checkpoint));
  const at = step === undefined ? "weights" : `step ${step}`;
  return {
    model: stored as unknown as IModel,
    lines: [`${at} of ${location}`],
    data: { location, step: step ?? null },
  };
}

/** Of a model that is not trained yet, what a step of the recipe would take too; nothing is compiled or run. */
async function ofRecipe(
  host: Host,
  runsDir: string,
  recipe: string,
  set: readonly string[] | undefined,
): Promise<Description> {
  const { raw, origins } = overlaid(await findRecipe(recipe, host.cwd), host, set);
  const loaded = await loadExperiment(raw, { origins, from: host.cwd });
  const { data, training, optimization } = loaded.experiment;
  return withParts(loaded, { host, runsDir }, async (parts) => {
    const made = await parts.get(runTokens.model);
    const optimizer = await loaded.components.create("optimizer", optimization.optimizer, parts);
    const { specs } = await parts.get(runTokens.train);
    const own = partSpecs(specs, training.accumulate);
    const { stateBytes, plannedBytes } = new ModelOptimizer({ memoryBytes: Infinity }).plan(made, optimizer, own);
    const weightBytes = 4 * countOf(made.parameters());
    const valueBytes = plannedBytes - weightBytes;
    const part = `${Math.ceil(training.batch / training.accumulate)} × ${data.sequenceLength} tokens`;
    return {
      model: made,
      lines: [
        `weights ${formatBytes(weightBytes)}; with what ${optimization.optimizer.kind} keeps ${formatBytes(stateBytes)}`,
        `values of ${part}, forward and backward: ${formatBytes(valueBytes)} at most at one time`,
      ],
      data: { weightBytes, stateBytes, valueBytes },
    };
  });
}
