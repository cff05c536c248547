/** Element types of tensors that enter, leave or live on an engine. */
export type DType = "float32" | "int32" | "bool";

/** Shape and element type of a tensor; a scalar has shape `[]`. */
export type TensorSpec = { readonly shape: readonly number[]; readonly dtype: DType };

/** Elements of a tensor in host memory, row-major; `bool` is one byte an element, 0 or 1. */
export type HostArray = Float32Array | Int32Array | Uint8Array;

/** A tensor in host memory. */
export type HostTensor = { readonly spec: TensorSpec; readonly data: HostArray };

/** Named leaves in nested records; a leaf's path joins the names with `/`, as in `state/params/wte.weight`. */
export type Tree<L> = L | { readonly [name: string]: Tree<L> | undefined };

/** The tree `T` with every `From` leaf replaced by `To`. */
export type Mapped<T, From, To> = T extends From
  ? To
  : T extends undefined
    ? undefined
    : { readonly [K in keyof T]: Mapped<T[K], From, To> };

/** A tensor that lives on an engine's device; disposing it frees its memory there. */
export interface DeviceTensor extends Disposable {
  readonly spec: TensorSpec;
  /**
   * Copies the elements to the host.
   * @throws PipeError `tensor-donated` after the tensor was given to a run that donates it, `tensor-disposed` after
   * disposal, or the error of the run that should have made it.
   */
  read(): Promise<HostArray>;
}
