import type { Json } from "../json.ts";
import type { ISnapshot, SnapshotTensor } from "./engine.ts";
import type { ParameterSpec } from "./model.ts";

/** Names one checkpoint. */
export type CheckpointRef = {
  readonly step: number;
  /** Where it lies: a folder, or what the store uses instead. */
  readonly location: string;
};

/** What a checkpoint holds beside its tensors. */
export type CheckpointMetadata = {
  readonly parameters: readonly ParameterSpec[];
  /** Further files by name: `config.json` of the model, `tokenizer.json` of the tokenizer. */
  readonly files: { readonly [name: string]: string | Uint8Array };
  /** Captured states of the run's parts; `step` in it is the number of steps attempted. */
  readonly state: { readonly step: number; readonly [key: string]: Json };
};

/** What verification found. */
export type VerifyReport = {
  readonly ok: boolean;
  /** One line a problem: file, expected, got. */
  readonly problems: readonly string[];
};

/** Stores complete checkpoints, or none. */
export interface ICheckpointer {
  /** @throws PipeError `checkpoint-failed`; what was stored before stays as it was. */
  save(state: ISnapshot, metadata: CheckpointMetadata): Promise<CheckpointRef>;
  /**
   * Loads one checkpoint, the newest by default.
   * @throws PipeError `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-newer`.
   */
  load(ref?: CheckpointRef): Promise<{ metadata: CheckpointMetadata; tensors(): AsyncIterable<SnapshotTensor> }>;
  /** Complete checkpoints, oldest first. */
  list(): Promise<readonly CheckpointRef[]>;
  remove(ref: CheckpointRef): Promise<void>;
  verify(ref: CheckpointRef): Promise<VerifyReport>;
}
