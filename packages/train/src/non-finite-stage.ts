import type { Batch, HostArray, IStage, StepContext, StepReport } from "@pipe/core";
import type { NonFinite } from "@pipe/graph";
import { explainNonFinite } from "./find-non-finite.ts";

/** What the stage looks into a step with. */
export type NonFiniteStageOptions = {
  /** Computes a step again and finds its first value that is not finite. */
  readonly find: (arrays: { readonly [name: string]: HostArray }, step: number) => Promise<NonFinite | undefined>;
  /** Reports at most; default 3, since each compiles a program of its own. */
  readonly limit?: number;
  /** Refused steps in a row with a finite loss that are no reason to look: a loss scale seeks its size by them. Default 0. */
  readonly patience?: number;
};

/** After a step that was skipped, computes it again and warns which op, and which parameters, were the first to fail. */
export function nonFiniteStage({ find, limit = 3, patience = 0 }: NonFiniteStageOptions): IStage {
  /** Reports come a step late: the batches of the last two steps. */
  let recent: readonly { readonly step: number; readonly batch: Batch }[] = [];
  let seen: StepReport | undefined;
  let left = limit;
  let refused = 0;
  return {
    name: "non-finite",
    onError: "warn",
    run: async (context: StepContext) => {
      recent = [...recent.slice(-1), { step: context.progress.step, batch: context.batch }];
      const report = context.progress.last ? await context.drain() : context.report;
      // The same report comes until the next one; its step may come again, where training goes back to a checkpoint.
      if (report === undefined || report === seen) return;
      seen = report;
      refused = report.accepted ? 0 : refused + 1;
      const isSought = Number.isFinite(report.loss) && refused <= patience;
      if (report.accepted || isSought || left === 0) return;
      left--;
      const suspect = recent.findLast(({ step }) => step === report.step);
      if (suspect === undefined) return;
      await context.drain();
      const found = await find(suspect.batch.arrays, report.step - 1);
      context.events.emit("warning", {
        source: "non-finite",
        message: `Step ${report.step} was skipped. ${explainNonFinite(found)}`,
      });
    },
  };
}
