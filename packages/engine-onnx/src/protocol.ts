import type { HostArray, HostTensor, TensorSpec } from "@pipe/core";
import type { Provider } from "./providers.ts";

/** An input of a run: a tensor that the host keeps, or elements that come along. */
export type RunInput = { readonly tensor: number } | { readonly data: HostArray };

/** Where a value comes from: an input of the program, or what the session computed. */
export type Source = { readonly input: number } | { readonly fetch: number };

/** Where an output comes from: also what an update made, or an input of the same path that stays as it is. */
export type OutputSource = Source | { readonly update: number; readonly result: number };

/** An input, with its name in the ONNX model where that reads it. */
export type ProgramInput = { readonly name?: string; readonly spec: TensorSpec };

/** A result of the session. */
export type Fetch = { readonly name: string; readonly spec: TensorSpec };

/** State that a function of the module replaces in place after the session has run. */
export type UpdatePlan = {
  readonly function: number;
  readonly byteLength: number;
  readonly arrays: readonly Source[];
  readonly scalars: readonly Source[];
  /** Where it is false, nothing is replaced. */
  readonly condition?: Source;
  /** The array that each result replaces. */
  readonly replaces: readonly number[];
};

/** A cache [B, H, S, D] that gets rows [B, H, 1, D] at positions [B], in place. */
type WritePlan = {
  readonly input: number;
  readonly rows: Source;
  readonly positions: Source;
  readonly shape: readonly number[];
};

/** A compiled program: a session, then updates and writes in place. */
export type ProgramPlan = {
  /** The ONNX model; empty where nothing is left to it. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly ProgramInput[];
  readonly fetches: readonly Fetch[];
  readonly outputs: readonly { readonly spec: TensorSpec; readonly from: OutputSource }[];
  /** WebAssembly with the updates' functions. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly updates: readonly UpdatePlan[];
  readonly writes: readonly WritePlan[];
};

/** Elements that come to the host, and the number that they get. */
export type HostTensorNumber = HostTensor & { readonly tensor: number };

/** A run of a program. */
export type RunRequest = {
  readonly executable: number;
  readonly inputs: readonly RunInput[];
  /** Numbers that its outputs get. */
  readonly outputs: readonly number[];
  /** Tensors whose buffers are free afterwards. */
  readonly donated: readonly number[];
};

/** What the engine asks of the session host; the answers come in order. */
export type Request =
  | { readonly type: "open"; readonly provider: Provider; readonly threads: number; readonly profile?: string }
  | { readonly type: "compile"; readonly executable: number; readonly program: ProgramPlan }
  | { readonly type: "put"; readonly tensors: readonly HostTensorNumber[] }
  | ({ readonly type: "run" } & RunRequest)
  | { readonly type: "read"; readonly tensor: number }
  | { readonly type: "copy"; readonly from: readonly number[]; readonly to: readonly number[] }
  | { readonly type: "free"; readonly tensors: readonly number[] }
  | { readonly type: "close-executable"; readonly executable: number }
  /** Answered when all before it is done. */
  | { readonly type: "rest" };

/** What the host answers, by type of the request. */
export type Answers = {
  open: { readonly version: string };
  compile: undefined;
  put: undefined;
  /** Elements of the outputs that are so small that they are always wanted, by place. */
  run: { readonly small: readonly (HostArray | undefined)[] };
  read: HostArray;
  copy: undefined;
  free: undefined;
  "close-executable": undefined;
  rest: undefined;
};

/** A request with its number. */
export type Envelope = { readonly sequence: number; readonly request: Request };

/** What an error says. */
export type Failure = { readonly code: string; readonly message: string; readonly fix?: string };

/** An answer, or an error that keeps its code, and how many bytes wait in the pool. */
export type Reply = { readonly sequence: number; readonly pooledBytes: number } & (
  | { readonly ok: true; readonly answer: Answers[keyof Answers] }
  | ({ readonly ok: false } & Failure)
);
