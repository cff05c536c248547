/**
 * The contracts of @pipe and the few things that every package needs: one error class, seeded random numbers, tensor
 * specs and trees. No runtime dependency.
 *
 * @packageDocumentation
 */
export { PipeError, messageOf, type PipeErrorDetails } from "./error.ts";
export { nearest } from "./nearest.ts";
export { peakResidentBytes } from "./peak-resident-bytes.ts";
export { workerEntry, type WorkerEntry } from "./worker-entry.ts";
export { Random } from "./random.ts";
export { leaves, treeOf } from "./tree.ts";
export { deviceTensorsOf, hostTensorsOf } from "./tensor-tree.ts";
export { definedOnly } from "./defined-only.ts";
export { createComponent } from "./create-component.ts";
export { defineComponent, type ConfiguredComponent, type PlainComponent } from "./define-component.ts";
export { definePlugin, PLUGIN_API, type Plugin } from "./define-plugin.ts";
export { serviceTokens, token } from "./token.ts";
export {
  arrayFromBytes,
  byteSizeOf,
  bytesOf,
  checkHostArray,
  dtypeOf,
  formatSpec,
  hostArray,
  hostTensor,
  partSpecs,
  sizeOf,
  specsOf,
} from "./tensor-spec.ts";
export type { Json } from "./json.ts";
export type { DeviceTensor, DType, HostArray, HostTensor, Mapped, TensorSpec, Tree } from "./interfaces/tensors.ts";
export type {
  CompileOptions,
  CompileReport,
  DeviceInfo,
  IEngine,
  IExecutable,
  ISnapshot,
  MemoryReport,
  PutOptions,
  SnapshotTensor,
} from "./interfaces/engine.ts";
export type {
  ForwardContext,
  IDecoder,
  IModel,
  Initializer,
  LossResult,
  ParameterSpec,
  Params,
  TokenBatch,
} from "./interfaces/model.ts";
export type { IGradientProcessor, IOptimizer, ISchedule, Slots, SlotSpec } from "./interfaces/optimizer.ts";
export type { IMetric } from "./interfaces/metric.ts";
export type {
  Batch,
  Cursor,
  DocumentRef,
  IBatchLoader,
  IDataSource,
  ITokenizer,
  SourceDocument,
  SourceInfo,
} from "./interfaces/data.ts";
export type {
  IStage,
  IStateful,
  ITrainer,
  ITrigger,
  ModelState,
  Progress,
  StepContext,
  StepReport,
  TrainResult,
} from "./interfaces/run.ts";
export type { EvaluateOptions, EvaluationReport, IEvaluator } from "./interfaces/evaluator.ts";
export type { CheckpointMetadata, CheckpointRef, ICheckpointer, VerifyReport } from "./interfaces/checkpointer.ts";
export type { EventMap, IEventBus } from "./interfaces/events.ts";
export type { IMonitor, MonitorSnapshot } from "./interfaces/monitor.ts";
export type {
  IDocumentIndexer,
  IEmbedder,
  IndexedDocument,
  IndexOptions,
  IndexProgress,
  IndexReport,
  IndexStatus,
  IReranker,
  Retrieval,
  RetrieveOptions,
  SearchExplanation,
  SearchFilter,
  SearchHit,
  SearchOptions,
  VectorSpace,
} from "./interfaces/indexer.ts";
export type { IVectorStore, ScoredKey, VectorChange, VectorPosition, VectorRow } from "./interfaces/vector-store.ts";
export type {
  ComponentDefinition,
  InstalledDefinitions,
  PortName,
  Ports,
  Services,
  Token,
} from "./interfaces/component.ts";
