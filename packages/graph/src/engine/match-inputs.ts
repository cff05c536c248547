import type { DeviceTensor, HostArray, TensorSpec, Tree } from "@pipe/core";
import { checkHostArray, deviceTensorsOf, formatSpec, leaves, PipeError } from "@pipe/core";

/** An input of a compiled program; one that is donated is consumed by a run. */
export type ExpectedInput = { readonly path: string; readonly spec: TensorSpec; readonly donated: boolean };
/** What a run takes for one input. */
export type RunInput = DeviceTensor | HostArray;
/** A tensor of an engine's own, which can say that it has ended. */
export type OwnTensor = DeviceTensor & { check(where: string): void };

/**
 * The inputs of a run in the program's order, checked; `isOwn` tells the engine's own tensors.
 * @throws PipeError `input-missing`, `input-unknown`, `input-mismatch`, `tensor-foreign`, `tensor-donated`,
 * `tensor-disposed`.
 */
export function matchInputs<Own extends OwnTensor>(
  expected: readonly ExpectedInput[],
  inputs: Tree<RunInput>,
  isOwn: (tensor: DeviceTensor) => tensor is Own,
): readonly (Own | HostArray)[] {
  const given = new Map(leaves<RunInput>(inputs, isInput));
  const donations = new Map<Own, boolean>();
  const matched = expected.map(({ path, spec, donated }) => {
    const input = given.get(path);
    if (input === undefined) {
      throw new PipeError("input-missing", "A compiled program was run without one of its inputs.", {
        expected: formatSpec(spec),
        where: path,
      });
    }
    given.delete(path);
    if (ArrayBuffer.isView(input)) {
      checkHostArray(input, spec, path);
      return input;
    }
    checkOwn(input, path, isOwn);
    if (formatSpec(input.spec) !== formatSpec(spec)) {
      throw new PipeError("input-mismatch", "A device tensor does not fit its input.", {
        expected: formatSpec(spec),
        got: formatSpec(input.spec),
        where: path,
      });
    }
    const before = donations.get(input);
    if (before === true || (before === false && donated)) throw givenTwice(path);
    donations.set(input, donated);
    return input;
  });
  const [unknown] = given.keys();
  if (unknown !== undefined) {
    throw new PipeError("input-unknown", "A compiled program was given an input that it does not have.", {
      where: unknown,
    });
  }
  return matched;
}

/**
 * The tensors of a tree with their paths, all of them an engine's own and live.
 * @throws PipeError `tensor-foreign`, `tensor-donated`, `tensor-disposed`.
 */
export function ownTensors<Own extends OwnTensor>(
  tree: Tree<DeviceTensor>,
  isOwn: (tensor: DeviceTensor) => tensor is Own,
): readonly (readonly [path: string, tensor: Own])[] {
  return deviceTensorsOf(tree).map(([path, tensor]) => {
    checkOwn(tensor, path, isOwn);
    return [path, tensor] as const;
  });
}

function checkOwn<Own extends OwnTensor>(
  tensor: DeviceTensor,
  where: string,
  isOwn: (tensor: DeviceTensor) => tensor is Own,
): asserts tensor is Own {
  if (!isOwn(tensor)) {
    throw new PipeError("tensor-foreign", "A device tensor belongs to another engine.", {
      where,
      fix: "read() it and pass the array, or put() it on this engine",
    });
  }
  tensor.check(where);
}

/** What a run consumes cannot be another of its inputs: that would be read after its memory was written. */
function givenTwice(where: string): PipeError {
  return new PipeError("tensor-donated", "A device tensor was given twice to a run that consumes it.", {
    where,
    fix: "put() it twice, or donate neither",
  });
}

/** Whether a node of a tree is an input and not a record of them. */
export function isInput(node: Tree<RunInput>): node is RunInput & Tree<RunInput> {
  return ArrayBuffer.isView(node) || typeof (node as Partial<DeviceTensor>).read === "function";
}
