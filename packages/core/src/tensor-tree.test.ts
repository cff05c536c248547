import { expect, it } from "vitest";
import type { DeviceTensor } from "./interfaces/tensors.ts";
import { hostTensor } from "./tensor-spec.ts";
import { deviceTensorsOf, hostTensorsOf } from "./tensor-tree.ts";

it("finds host tensors by path and checks them", () => {
  const [x, y] = [hostTensor([2], Float32Array.of(1, 2)), hostTensor([], Int32Array.of(3))];
  expect(hostTensorsOf({ params: { x }, y })).toEqual([
    ["params/x", x],
    ["y", y],
  ]);
  const wrong = { spec: x.spec, data: new Float32Array(3) };
  expect(() => hostTensorsOf({ params: { x: wrong } })).toThrow(/float32, 3 elements\n {2}where: params\/x/);
});

it("finds device tensors of any engine by path", () => {
  const tensor: DeviceTensor = {
    spec: { shape: [1], dtype: "float32" },
    read: () => Promise.resolve(new Float32Array(1)),
    [Symbol.dispose]: () => undefined,
  };
  expect(deviceTensorsOf({ state: { sum: tensor } })).toEqual([["state/sum", tensor]]);
});
