import type {
  CompileOptions,
  DeviceTensor,
  HostArray,
  IDecoder,
  IEngine,
  IExecutable,
  IModel,
  TensorSpec,
  Tree,
} from "@pipe/core";
import { deviceTensorsOf, hostArray, PipeError } from "@pipe/core";
import type * as tf from "@pipe/graph/tf";
import {
  type DecodeInputs,
  decodeProgram,
  type DecodingStep,
  type EmbeddingInputs,
  embeddingProgram,
  type LossInputs,
  lossProgram,
  type LossSums,
  type PrefillInputs,
  prefillProgram,
} from "./model-programs.ts";

/** Rows and positions of what a model is to read; what is left out is not compiled. */
export type ModelShapes = {
  /** The loss of batches `ids`, `targets`, `weights` [rows, positions]. */
  readonly evaluate?: { readonly rows: number; readonly positions: number };
  /** Sums of hidden states of `ids` [rows, positions], weighted. */
  readonly embed?: { readonly rows: number; readonly positions: number };
  /** Prompts `ids` [rows, positions] and their `lengths`; the cache then has so many positions. */
  readonly prefill?: { readonly rows: number; readonly positions: number };
  /** One token a row beside a cache of so many positions, which is consumed and returned. */
  readonly decode?: { readonly rows: number; readonly positions: number };
};

type Programs = {
  readonly evaluate: IExecutable<LossInputs, LossSums>;
  readonly embed: IExecutable<EmbeddingInputs, { readonly sums: tf.Tensor }>;
  readonly prefill: IExecutable<PrefillInputs, DecodingStep>;
  readonly decode: IExecutable<DecodeInputs, DecodingStep>;
};

/** The compiled programs of the shapes that were asked for. */
export type CompiledModel<Shapes extends ModelShapes> = AsyncDisposable & {
  readonly [Name in keyof Shapes & keyof Programs]: Programs[Name];
};

/** How a model is compiled. */
export type CompileModelOptions = Pick<CompileOptions, "precision"> & {
  /** Weights on the engine with which every program runs once on zeros, so that its first use is as fast as later ones. */
  readonly params?: { readonly [name: string]: DeviceTensor };
};

type Plan = { readonly program: unknown; readonly inputs: Tree<TensorSpec>; readonly options: CompileOptions };

/**
 * Compiles what a model is used for besides training, all at once. A training step has an optimizer and state of its own:
 * `TrainingStepProcessor` of `@pipe/train` compiles it.
 * @throws PipeError `decoder-missing` for prefill or decode of a model without a decoder, and what compiling throws.
 */
export async function compileModel<const Shapes extends ModelShapes>(
  model: IModel,
  engine: IEngine,
  shapes: Shapes,
  { params, ...options }: CompileModelOptions = {},
): Promise<CompiledModel<Shapes>> {
  const specs = Object.fromEntries(model.parameters().map(({ name, shape, dtype }) => [name, { shape, dtype }]));
  const plans = Object.entries(plansOf(model, shapes));
  const made: (readonly [string, IExecutable<Tree<tf.Tensor>, Tree<tf.Tensor>>])[] = [];
  const close = async (): Promise<void> => {
    for (const [, executable] of made) await executable[Symbol.asyncDispose]();
  };
  try {
    for (const [name, plan] of plans) {
      const inputs = { params: specs, ...(plan.inputs as object) };
      const compiled = engine.compile(plan.program as never, inputs as never, { ...options, ...plan.options });
      const executable = (await compiled) as unknown as IExecutable<Tree<tf.Tensor>, Tree<tf.Tensor>>;
      made.push([name, executable]);
      if (params !== undefined) await warmUp(executable, params, plan.inputs);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ...Object.fromEntries(made), [Symbol.asyncDispose]: close } as unknown as CompiledModel<Shapes>;
}

function plansOf(model: IModel, { evaluate, embed, prefill, decode }: ModelShapes): { readonly [name: string]: Plan } {
  const plans: { [name: string]: Plan } = {};
  const ints = (...shape: number[]): TensorSpec => ({ shape, dtype: "int32" });
  const floats = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
  if (evaluate !== undefined) {
    const size = [evaluate.rows, evaluate.positions] as const;
    const batch = { ids: ints(...size), targets: ints(...size), weights: floats(...size) };
    plans["evaluate"] = { program: lossProgram(model), inputs: { batch }, options: { batch: ["batch"] } };
  }
  if (embed !== undefined) {
    const size = [embed.rows, embed.positions] as const;
    const inputs = { ids: ints(...size), weights: floats(...size) };
    plans["embed"] = { program: embeddingProgram(model), inputs, options: { batch: ["ids", "weights"] } };
  }
  if (prefill !== undefined) {
    const inputs = { ids: ints(prefill.rows, prefill.positions), lengths: ints(prefill.rows) };
    const program = prefillProgram(decoderOf(model));
    plans["prefill"] = { program, inputs, options: {} };
  }
  if (decode !== undefined) {
    const decoder = decoderOf(model);
    const cache = decoder.cache(decode.rows, decode.positions);
    const inputs = { ids: ints(decode.rows), positions: ints(decode.rows), cache };
    plans["decode"] = { program: decodeProgram(decoder), inputs, options: { donate: ["cache"] } };
  }
  return plans;
}

function decoderOf({ decoder, kind }: IModel): IDecoder {
  if (decoder !== undefined) return decoder;
  throw new PipeError("decoder-missing", "A model without a decoder cannot be compiled for generation.", { got: kind });
}

/** Runs a program once on zeros and lets go of what it makes. */
async function warmUp(
  executable: IExecutable<Tree<tf.Tensor>, Tree<tf.Tensor>>,
  params: { readonly [name: string]: DeviceTensor },
  inputs: Tree<TensorSpec>,
): Promise<void> {
  const zeros = (tree: Tree<TensorSpec>): Tree<HostArray> =>
    isSpec(tree)
      ? (hostArray(tree) as unknown as Tree<HostArray>)
      : (Object.fromEntries(
          Object.entries(tree as { [name: string]: Tree<TensorSpec> }).map(([name, each]) => [name, zeros(each)]),
        ) as Tree<HostArray>);
  const outputs = (await executable.run({ params, ...(zeros(inputs) as object) } as never)) as Tree<DeviceTensor>;
  for (const [, tensor] of deviceTensorsOf(outputs)) {
    await tensor.read();
    tensor[Symbol.dispose]();
  }
}

function isSpec(node: Tree<TensorSpec>): node is TensorSpec & Tree<TensorSpec> {
  return Array.isArray((node as Partial<TensorSpec>).shape);
}
