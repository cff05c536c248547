import type { IStage, IStateful, Json, Services } from "@pipe/core";
import type { Composition } from "./compose.ts";

/** Stages of plug-ins, and what of them belongs into checkpoints. */
export type AddedStages = {
  /** In the order of the recipe. */
  readonly stages: readonly IStage[];
  /** The state of those that have one, by their keys; a stage that comes or goes between two parts of a run is no error. */
  readonly states: IStateful;
};

/** Makes the stages that an experiment names; the main process runs them for all. */
export async function addedStages(
  services: Services,
  { components, experiment, distributed }: Composition,
): Promise<AddedStages> {
  const wanted = distributed.isMain ? experiment.training.stages : [];
  const stages = await Promise.all(wanted.map(async (stage) => components.create("stage", stage, services)));
  const stateful = stages.filter(isStateful);
  return {
    stages,
    states: {
      key: "stages",
      capture: () => Object.fromEntries(stateful.map((stage) => [stage.key, stage.capture()])),
      restore: (stored) => {
        const states = stored as { readonly [key: string]: Json };
        for (const stage of stateful) if (Object.hasOwn(states, stage.key)) stage.restore(states[stage.key]!);
      },
    },
  };
}

function isStateful(stage: IStage): stage is IStage & IStateful {
  return "key" in stage && "capture" in stage && "restore" in stage;
}
