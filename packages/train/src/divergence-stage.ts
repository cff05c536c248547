import type { IStage } from "@pipe/core";
import type { DivergenceGuard } from "./divergence-guard.ts";

/**
 * Ends a run that its guard gives up, with the error `training-diverged`. It stands before the stages that evaluate and save, so
 * that nothing more is stored. A run that is aborted is left to end by itself.
 */
export function divergenceStage(guard: DivergenceGuard): IStage {
  return {
    name: "divergence",
    onError: "stop",
    run: async ({ progress, report, drain, signal }) => {
      // Reports come a step late, but that of the last step has to be known before its stages.
      const newest = progress.last ? await drain() : report;
      if (newest === undefined) return;
      guard.observe(newest);
      if (!signal.aborted) guard.check({ last: progress.last, applied: newest.applied });
    },
  };
}
