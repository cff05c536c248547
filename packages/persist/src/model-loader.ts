import { arrayFromBytes, bytesOf, PipeError, type HostTensor, type ParameterSpec } from "@pipe/core";
import { fromExternal } from "./external-layout.ts";
import { type CheckpointName, findCheckpoint } from "./find-checkpoint.ts";
import { matchWeights, type WeightMatch } from "./match-weights.ts";
import { StoredWeights } from "./stored-weights.ts";
import { weightFiles } from "./weight-files.ts";

/** How stored weights are taken. */
export type LoadOptions = {
  /** Makes `path` a folder of checkpoints, of which this one is loaded. */
  readonly checkpoint?: CheckpointName;
  /** Whether all names and shapes must fit; default true. Otherwise what fits is taken. */
  readonly strict?: boolean;
  /** With `strict: false`, is told what was not taken. */
  readonly skipped?: (skipped: SkippedWeights) => void;
};

/** What a load that is not strict leaves out. */
export type SkippedWeights = {
  /** Parameters that are missing or of another shape: they are not in the result and keep their initial values. */
  readonly initial: readonly string[];
  /** Stored tensors that the model has no parameter for. */
  readonly unused: readonly string[];
};

/** Brings weights of a checkpoint, of safetensors files or of a Hugging Face folder into host tensors. */
export class ModelLoader {
  /**
   * Reads one tensor for each parameter.
   *
   * Names match with and without `transformer.`; stored half-precision floats become float32, transposed weights are turned
   * and padded vocabulary rows filled with zero. Causal masks and a head that equals the token embedding are passed over.
   *
   * @param path a checkpoint folder, a folder with `model.safetensors` or its shards, or a `.safetensors` file.
   * @throws PipeError `weights-missing` where nothing is there, `weights-unsupported` for pickles, `weights-mismatch` that
   * lists every tensor that is missing, left over or of another shape, `safetensors-damaged`, `checkpoint-damaged`, `checkpoint-missing`.
   */
  async load(
    path: string,
    parameters: readonly ParameterSpec[],
    { checkpoint, strict = true, skipped }: LoadOptions = {},
  ): Promise<{ [name: string]: HostTensor }> {
    const found = checkpoint === undefined ? path : (await findCheckpoint(path, checkpoint)).location;
    const stored = await StoredWeights.open(await weightFiles(found));
    try {
      const match = await matchWeights(stored, parameters);
      if (strict) check(match, found);
      else skipped?.(leftOut(match));
      const tensors: { [name: string]: HostTensor } = {};
      for (const [parameter, name] of match.names) {
        const { data } = await stored.read(name);
        const spec = { shape: parameter.shape, dtype: parameter.dtype };
        const bytes = fromExternal(parameter, bytesOf(data));
        tensors[parameter.name] = { spec, data: arrayFromBytes(bytes, spec, parameter.name) };
      }
      return tensors;
    } finally {
      await stored[Symbol.asyncDispose]();
    }
  }
}

/** @throws PipeError `weights-mismatch`. */
function check({ unset, unused }: WeightMatch, where: string): void {
  const problems = [...unset, ...unused];
  if (problems.length === 0) return;
  const lines = problems.map(({ expected, got }) => `\n    expected ${expected}, got ${got}`);
  throw new PipeError(
    "weights-mismatch",
    `Stored weights do not fit the model in ${problems.length} places.${lines.join("")}`,
    { where, fix: "use the model configuration that the weights were made with (config.json beside them)" },
  );
}

function leftOut({ unset, unused }: WeightMatch): SkippedWeights {
  return { initial: unset.map(({ name }) => name), unused: unused.map(({ name }) => name) };
}
