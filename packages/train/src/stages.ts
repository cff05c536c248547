import type {
  Batch,
  CheckpointMetadata,
  CheckpointRef,
  EvaluationReport,
  ICheckpointer,
  IEvaluator,
  IStage,
  ITrigger,
  ModelState,
  StepContext,
} from "@pipe/core";
import { messageOf } from "@pipe/core";

/** Measures the model on held-out batches when the trigger says so; a run that is interrupted is not kept from ending by it. */
export function evaluationStage(options: {
  readonly trigger: ITrigger;
  readonly evaluator: IEvaluator;
  /** A fresh pass over the batches, each time the same. */
  readonly batches: () => AsyncIterable<Batch>;
  /** Batches at most. */
  readonly limit?: number;
  /** Called with each result after its event: it may end the run, or note what is best. */
  readonly onReport?: (report: EvaluationReport, context: StepContext) => void;
}): IStage {
  const { trigger, evaluator, batches, limit, onReport } = options;
  return {
    name: "evaluate",
    onError: "stop",
    run: async (context) => {
      const { progress, state, drain, events, signal, interrupted } = context;
      if (interrupted || !trigger.due(progress)) return;
      await drain();
      const begin = performance.now();
      let report: EvaluationReport;
      try {
        report = await evaluator.evaluate(state, batches(), {
          ...(limit === undefined ? {} : { batches: limit }),
          // The budget is used up: this one is the run's result.
          ...(progress.last ? {} : { signal }),
        });
      } catch (error) {
        // An abort cuts this evaluation short; the loop takes one more step, which is saved.
        if (progress.last || !signal.aborted) throw error;
        return;
      }
      const { step, metrics, tokens } = report;
      events.emit("evaluation-ended", { step, metrics, tokens, seconds: (performance.now() - begin) / 1000 });
      onReport?.(report, context);
    },
  };
}

/** Lets the model write when the trigger says so, unless the run is interrupted. */
export function sampleStage(options: {
  readonly trigger: ITrigger;
  readonly prompt: string;
  readonly generate: (state: ModelState, prompt: string) => Promise<string>;
}): IStage {
  const { trigger, prompt, generate } = options;
  return {
    name: "sample",
    onError: "warn",
    run: async ({ progress, state, drain, events, interrupted }) => {
      if (interrupted || !trigger.due(progress)) return;
      await drain();
      events.emit("sample-generated", { step: progress.step, prompt, text: await generate(state, prompt) });
    },
  };
}

/**
 * Saves the whole state when the trigger says so, then removes what is no longer to be kept. After a step whose update was
 * refused it waits for one whose update was not: such a state may be what training cannot get out of.
 */
export function checkpointStage(options: {
  readonly trigger: ITrigger;
  readonly checkpointer: ICheckpointer;
  readonly metadata: () => CheckpointMetadata;
  /** Which of the stored checkpoints to remove; default none. */
  readonly surplus?: (stored: readonly CheckpointRef[]) => readonly CheckpointRef[];
}): IStage {
  const { trigger, checkpointer, metadata, surplus = () => [] } = options;
  let waiting = false;
  return {
    name: "checkpoint",
    onError: { retries: 1 },
    run: async ({ progress, drain, snapshot, events }) => {
      if (!trigger.due(progress) && !waiting) return;
      const { accepted } = await drain();
      waiting = !accepted && !progress.last;
      if (waiting) return;
      const begin = performance.now();
      const copy = await snapshot();
      try {
        const { location } = await checkpointer.save(copy, metadata());
        events.emit("checkpoint-saved", { step: progress.step, location, seconds: (performance.now() - begin) / 1000 });
      } catch (error) {
        events.emit("checkpoint-failed", { step: progress.step, message: messageOf(error) });
        throw error;
      } finally {
        await copy[Symbol.asyncDispose]();
      }
      // What is saved is saved: a checkpoint that cannot be removed is no reason to save again, or to stop.
      try {
        for (const ref of surplus(await checkpointer.list())) await checkpointer.remove(ref);
      } catch (error) {
        events.emit("warning", { source: "checkpoint", message: messageOf(error) });
      }
    },
  };
}
