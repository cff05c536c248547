/**
 * What every engine does in the same way: passes before lowering, the checks of a run's inputs, the life of its tensors.
 *
 * @packageDocumentation
 */
export { ownArrays, releaseArrays } from "./hand-over.ts";
export { InFlight } from "./in-flight.ts";
export { type ExpectedInput, isInput, matchInputs, ownTensors, type OwnTensor, type RunInput } from "./match-inputs.ts";
export { isUnderAny } from "./is-under-any.ts";
export { optimise } from "./optimise.ts";
export { reportOf } from "./compile-report.ts";
export { TensorSnapshot } from "./tensor-snapshot.ts";
export { type Ledger, TensorLife } from "./tensor-life.ts";
