import type {
  DeviceTensor,
  HostArray,
  HostTensor,
  IEngine,
  ParameterSpec,
  PutOptions,
  SlotSpec,
  TensorSpec,
} from "@pipe/core";
import { formatSpec, hostArray, hostTensor, PipeError } from "@pipe/core";
import type { StepParts } from "./step-program.ts";

/** Tensors of a state by path: `params/…`, `slots/…`, `scalars/…`. */
export type HostState = { readonly [path: string]: HostTensor };

/** State at step 0 by path. @throws PipeError `parameter-mismatch`. */
export function freshState<B>(
  { optimizer, gradients }: StepParts<B>,
  parameters: readonly ParameterSpec[],
  initial: { readonly [name: string]: HostTensor },
): HostState {
  const state: { [path: string]: HostTensor } = {};
  for (const parameter of parameters) {
    const value = initial[parameter.name];
    if (value === undefined || formatSpec(value.spec) !== formatSpec(parameter)) {
      throw new PipeError("parameter-mismatch", "A parameter's initial value is missing or has another shape.", {
        expected: `${parameter.name} ${formatSpec(parameter)}`,
        got: value === undefined ? "nothing" : formatSpec(value.spec),
      });
    }
    state[`params/${parameter.name}`] = value;
    if (!parameter.trainable) continue;
    for (const slot of optimizer.slots(parameter)) {
      state[`slots/${slot.name}/${parameter.name}`] = { spec: slotSpec(slot), data: slotData(slot, value.data) };
    }
  }
  state["scalars/applied"] = hostTensor([], new Int32Array(1));
  for (const slot of gradients.slots?.() ?? []) {
    state[`scalars/${slot.name}`] = { spec: slotSpec(slot), data: slotData(slot) };
  }
  return state;
}

function slotSpec({ shape, dtype }: SlotSpec): TensorSpec {
  return { shape, dtype };
}

function slotData(slot: SlotSpec, parameter?: HostArray): HostArray {
  if (slot.init === "parameter" && parameter !== undefined) return parameter.slice();
  const data = hostArray(slot);
  if (typeof slot.init === "number") return data.fill(slot.init);
  return slot.init === "ones" ? data.fill(1) : data;
}

/** Brings tensors by path to the device. */
export async function putState(
  engine: IEngine,
  state: HostState,
  options: PutOptions = {},
): Promise<{ readonly [path: string]: DeviceTensor }> {
  const paths = Object.keys(state);
  // Numbered, because a path of a state holds slashes.
  const numbered = Object.fromEntries(paths.map((path, i) => [`${i}`, state[path]!]));
  const tensors = (await engine.put(numbered, options)) as { readonly [number: string]: DeviceTensor };
  return Object.fromEntries(paths.map((path, i) => [path, tensors[i]!]));
}

/** Leaves by path as the three records of a state. */
export function stateTree<L>(leavesByPath: { readonly [path: string]: L }): {
  params: { [name: string]: L };
  slots: { [slot: string]: { [name: string]: L } };
  scalars: { [name: string]: L };
} {
  const tree = { params: {}, slots: {}, scalars: {} } as ReturnType<typeof stateTree<L>>;
  for (const [path, leaf] of Object.entries(leavesByPath)) {
    const [group, slot, ...rest] = path.split("/");
    if (group === "slots") (tree.slots[slot!] ??= {})[rest.join("/")] = leaf;
    else tree[group as "params" | "scalars"][[slot, ...rest].join("/")] = leaf;
  }
  return tree;
}
