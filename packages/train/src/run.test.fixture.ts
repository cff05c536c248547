import type {
  Batch,
  CheckpointMetadata,
  CheckpointRef,
  Cursor,
  EventMap,
  IBatchLoader,
  ICheckpointer,
  IEngine,
  IEventBus,
  ISnapshot,
  IStage,
  Json,
  SnapshotTensor,
} from "@pipe/core";
import { PipeError, Random } from "@pipe/core";
import { BatchProcessor } from "./batch-processor.ts";
import type { DistributedContext } from "./distributed/distributed-context.ts";
import { DivergenceGuard } from "./divergence-guard.ts";
import { divergenceStage } from "./divergence-stage.ts";
import { type Budget, EpochManager } from "./epoch-manager.ts";
import { averagedAdagrad, lineModel, lineRows, lineSpecs, lineValues } from "./line-model.test.fixture.ts";
import { meanGradients } from "./mean-gradients.ts";
import { TrainingOrchestrator, type TrainingParts } from "./training-orchestrator.ts";
import { TrainingStepProcessor } from "./training-step-processor.ts";

/** An event with its data, as it was emitted. */
export type Emitted = { [E in keyof EventMap]: readonly [E, EventMap[E]] }[keyof EventMap];

/** A bus that keeps what it tells. */
function recordingBus(): IEventBus & { readonly emitted: readonly Emitted[] } {
  const emitted: Emitted[] = [];
  const listeners = new Map<string, Set<(data: never) => void>>();
  return {
    emitted,
    emit: (event, data) => {
      emitted.push([event, data] as unknown as Emitted);
      for (const listener of listeners.get(event) ?? []) listener(data as never);
    },
    on: (event, listener) => {
      const those = listeners.get(event) ?? new Set();
      listeners.set(event, those.add(listener));
      return { [Symbol.dispose]: () => void those.delete(listener) };
    },
  };
}

/** Batches of rows in memory: one pass, or again and again. */
export function memoryLoader({ rows = 10, batch = 4, repeat = true } = {}): IBatchLoader & { readonly open: number } {
  const data = lineRows(rows, new Random(3));
  let open = 0;
  return {
    specs: lineSpecs(batch),
    get open() {
      return open;
    },
    async *batches(from: Cursor = 0): AsyncGenerator<Batch> {
      open++;
      try {
        let sample = from as number;
        const end = repeat ? Infinity : rows;
        while (sample < end) {
          const count = Math.min(batch, end - sample);
          const picked = Array.from({ length: count }, (_, i) => (sample + i) % rows);
          sample += count;
          const arrays = {
            x: Float32Array.from(picked.flatMap((row) => [data.x[2 * row]!, data.x[2 * row + 1]!])),
            y: Float32Array.from(picked, (row) => data.y[row]!),
          };
          yield { arrays, tokens: count, cursor: sample, epoch: Math.floor(sample / rows), documents: [] };
        }
      } finally {
        open--;
      }
    },
    text: () => Promise.reject(new PipeError("document-unknown", "These rows have no documents.")),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Checkpoints in memory; the first `failures` saves fail. */
export class MemoryCheckpointer implements ICheckpointer {
  readonly stored = new Map<number, { metadata: CheckpointMetadata; tensors: readonly SnapshotTensor[] }>();
  failures = 0;

  async save(state: ISnapshot, metadata: CheckpointMetadata): Promise<CheckpointRef> {
    if (this.failures-- > 0) throw new PipeError("checkpoint-failed", "There is no room.");
    const { step } = metadata.state;
    this.stored.set(step, { metadata: structuredClone(metadata), tensors: await tensorsOf(state) });
    return { step, location: `memory:${step}` };
  }

  async load(ref?: CheckpointRef): ReturnType<ICheckpointer["load"]> {
    const found = this.stored.get(ref?.step ?? Math.max(...this.stored.keys()));
    if (found === undefined) throw new PipeError("checkpoint-missing", "There is no such checkpoint.");
    return { metadata: found.metadata, tensors: () => streamOf(found.tensors) };
  }

  async list(): Promise<readonly CheckpointRef[]> {
    return [...this.stored.keys()].map((step) => ({ step, location: `memory:${step}` }));
  }

  async remove({ step }: CheckpointRef): Promise<void> {
    if (!this.stored.delete(step)) throw new PipeError("checkpoint-missing", "There is no such checkpoint.");
  }

  async verify(): Promise<{ ok: boolean; problems: readonly string[] }> {
    return { ok: true, problems: [] };
  }
}

/** Everything in a snapshot, which is disposed. */
export async function tensorsOf(snapshot: ISnapshot): Promise<readonly SnapshotTensor[]> {
  const tensors: SnapshotTensor[] = [];
  for await (const { bytes, ...rest } of snapshot.tensors()) tensors.push({ ...rest, bytes: bytes.slice() });
  await snapshot[Symbol.asyncDispose]();
  return tensors;
}

/** Stored tensors as `load` takes them. */
export async function* streamOf(tensors: readonly SnapshotTensor[]): AsyncGenerator<SnapshotTensor> {
  yield* tensors;
}

/** A run of the line model; `stages` may use the parts that it is made of. */
export async function lineRun(
  engine: IEngine,
  budget: Budget,
  options: {
    readonly loader?: IBatchLoader;
    readonly stages?: (parts: { metadata: () => CheckpointMetadata }) => readonly IStage[];
    readonly checkpointer?: ICheckpointer;
    readonly guard?: DivergenceGuard;
    /** What makes it one of several processes. */
    readonly distributed?: { readonly distributed?: DistributedContext; readonly accumulate?: number };
  } = {},
) {
  const { loader = memoryLoader(), stages = () => [], checkpointer, guard = new DivergenceGuard() } = options;
  const step = await TrainingStepProcessor.create(
    {
      model: lineModel(),
      optimizer: averagedAdagrad,
      gradients: meanGradients,
      engine,
      schedule: guard.scale({ rate: (applied) => 0.5 / (1 + 0.1 * applied) }),
      batch: loader.specs,
      seed: 1,
      ...options.distributed,
    },
    lineValues,
  );
  const epochs = new EpochManager(budget);
  const events = recordingBus();
  const capture = (): CheckpointMetadata["state"] => ({
    step: epochs.progress.step,
    progress: epochs.capture(),
    data: trainer.capture(),
    divergence: guard.capture(),
  });
  const metadata = (): CheckpointMetadata => ({ parameters: step.parameters, files: {}, state: capture() });
  const parts: TrainingParts = {
    step,
    loader,
    batches: new BatchProcessor(loader.specs),
    epochs,
    events,
    stages: [...(options.guard === undefined ? [] : [divergenceStage(guard)]), ...stages({ metadata })],
    ...(checkpointer === undefined ? {} : { checkpointer }),
    ...(options.distributed?.distributed === undefined ? {} : { distributed: options.distributed.distributed }),
    restore: (state) => {
      const { progress, data, divergence } = state as { [key: string]: Json };
      epochs.restore(progress!);
      guard.restore(divergence!);
      trainer.restore(data!);
    },
  };
  const trainer: TrainingOrchestrator = new TrainingOrchestrator(parts);
  return { trainer, step, epochs, events, parts, loader };
}
