import type { IEventBus, IStage, StepContext } from "@pipe/core";
import { messageOf } from "@pipe/core";

/** Runs stages in order between two steps, each under its policy. */
export async function runStages(stages: readonly IStage[], context: StepContext): Promise<void> {
  for (const stage of stages) await runStage(stage, context, context.events);
}

async function runStage(stage: IStage, context: StepContext, events: IEventBus): Promise<void> {
  const { name, onError } = stage;
  const attempts = typeof onError === "object" ? onError.retries + 1 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await stage.run(context);
    } catch (error) {
      if (onError !== "warn" && attempt >= attempts) throw error;
      const again = onError === "warn" ? "" : ` (attempt ${attempt} of ${attempts})`;
      events.emit("warning", { source: name, message: `${messageOf(error)}${again}` });
      if (onError === "warn") return undefined;
    }
  }
}
