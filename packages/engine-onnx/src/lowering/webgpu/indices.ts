import { ELEMENT } from "../../onnx-model.ts";
import type { Lowering } from "../lowering.ts";
import { wholeNumbers } from "../whole-numbers.ts";

/** The lowest of the places that hold the largest value. */
export const argMax: Lowering = ({ model, inputs: [x], specs: [spec], attributes }) => {
  const { shape, dtype } = spec!;
  const axis = attributes["axis"] as number;
  const place = axis < 0 ? axis + shape.length : axis;
  const size = shape[place]!;
  const axes = model.integers([place]);
  const isMost = model.node("Equal", [x!, model.node("ReduceMax", [x!, axes], { keepdims: 1 })]);
  const along = shape.map((_, i) => (i === place ? size : 1));
  const places = model.reshape(wholeNumbers(model, 0, size, dtype), along);
  // Where nothing equals the largest, as among NaNs, it is the last place.
  const candidates = model.node("Where", [isMost, places, model.scalar(size - 1, dtype)]);
  const least = model.node("ReduceMin", [candidates, axes], { keepdims: 0 });
  return model.node("Cast", [least], { to: ELEMENT.int32 });
};

/** WebGPU slices floats only; whole numbers are looked up by their places, axis by axis. */
export const slice: Lowering = ({ model, inputs: [x], specs: [spec], attributes }) => {
  const [begin, size] = [attributes["begin"], attributes["size"]] as (readonly number[])[];
  return spec!.shape.reduce((name, length, axis) => {
    if (size![axis] === length) return name;
    return model.node("Gather", [name, wholeNumbers(model, begin![axis]!, size![axis]!, "int32")], { axis });
  }, x!);
};
