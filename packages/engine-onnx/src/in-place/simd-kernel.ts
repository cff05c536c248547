import type { Attributes } from "@pipe/graph";
import { float32, TYPE, unsigned, type WasmFunction } from "./wasm-module.ts";

/** Where a kernel finds an operand: an array it reads, a scalar, a number that is known, or a step before. */
export type Operand =
  | { readonly kind: "array" | "scalar" | "step"; readonly index: number }
  | { readonly kind: "literal"; readonly value: number };

/** One elementwise op of a kernel. */
export type KernelStep = {
  readonly op: string;
  readonly operands: readonly Operand[];
  readonly attributes: Attributes;
};

/**
 * A loop over equally long float32 arrays: loads `arrays` of them, takes its steps on four elements at a time, stores
 * `results`. An array that is stored to may be one that was loaded.
 */
export type Kernel = {
  readonly arrays: number;
  readonly scalars: number;
  readonly steps: readonly KernelStep[];
  /** The operand that each result holds. */
  readonly results: readonly Operand[];
};

const SIMD = 0xfd;
const simd = (code: number): number[] => [SIMD, ...unsigned(code)];
const V = {
  load: [...simd(0x00), 4, 0],
  store: [...simd(0x0b), 4, 0],
  splat: simd(0x13),
  notEqual: simd(0x42),
  less: simd(0x43),
  greater: simd(0x44),
  and: simd(0x4e),
  select: simd(0x52),
  abs: simd(0xe0),
  neg: simd(0xe1),
  sqrt: simd(0xe3),
  add: simd(0xe4),
  sub: simd(0xe5),
  mul: simd(0xe6),
  div: simd(0xe7),
  min: simd(0xe8),
  max: simd(0xe9),
} as const;

const constant = (value: number): number[] => [...simd(0x0c), ...[0, 1, 2, 3].flatMap(() => float32(value))];

type Emit = (operands: readonly (readonly number[])[], attributes: Attributes) => readonly number[];
const plain =
  (...code: readonly (readonly number[])[]): Emit =>
  (operands) => [...operands.flat(), ...code.flat()];

/** How each op that a kernel can take is computed; operands are instructions that push a v128. */
const emitters: { readonly [op: string]: Emit } = {
  Add: plain(V.add),
  Sub: plain(V.sub),
  Multiply: plain(V.mul),
  RealDiv: plain(V.div),
  Maximum: plain(V.max),
  Minimum: plain(V.min),
  Sqrt: plain(V.sqrt),
  Neg: plain(V.neg),
  Abs: plain(V.abs),
  Square: ([x]) => [...x!, ...x!, ...V.mul],
  SquaredDifference: ([a, b]) => {
    const difference = [...a!, ...b!, ...V.sub];
    return [...difference, ...difference, ...V.mul];
  },
  // The condition is a scalar: 0 or 1.
  choose: ([condition, a, b]) => [...a!, ...b!, ...condition!, ...constant(0), ...V.notEqual, ...V.select],
  Reciprocal: ([x]) => [...constant(1), ...x!, ...V.div],
  Rsqrt: ([x]) => [...constant(1), ...x!, ...V.sqrt, ...V.div],
  Relu: ([x]) => [...x!, ...constant(0), ...V.max],
  Sign: ([x]) => [
    ...[...x!, ...constant(0), ...V.greater, ...constant(1), ...V.and],
    ...[...x!, ...constant(0), ...V.less, ...constant(1), ...V.and],
    ...V.sub,
  ],
  ClipByValue: ([x], { clipValueMin, clipValueMax }) => [
    ...[...x!, ...constant(clipValueMin as number), ...V.max],
    ...[...constant(clipValueMax as number), ...V.min],
  ],
};

/** Whether a kernel can take this op. */
export function hasKernel(op: string): boolean {
  return op in emitters;
}

/**
 * Compiles a kernel to a function (bytes: i32, arrays…: i32 addresses, results…: i32 addresses, scalars…: f32). The
 * number of bytes is rounded up to 16, so arrays must be padded to that.
 */
export function compileKernel({ arrays, scalars, steps, results }: Kernel): WasmFunction {
  const addresses = arrays + results.length;
  const firstScalar = 1 + addresses;
  const offset = firstScalar + scalars;
  const [firstArray, firstSplat] = [offset + 1, offset + 1 + arrays];
  const firstStep = firstSplat + scalars;
  const get = (local: number): number[] => [0x20, ...unsigned(local)];
  const set = (local: number): number[] => [0x21, ...unsigned(local)];
  const address = (index: number): number[] => [...get(1 + index), ...get(offset), 0x6a];
  const push = (operand: Operand): number[] => {
    if (operand.kind === "literal") return constant(operand.value);
    return get({ array: firstArray, scalar: firstSplat, step: firstStep }[operand.kind] + operand.index);
  };
  const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
  const loop = [
    ...range(arrays).flatMap((i) => [...address(i), ...V.load, ...set(firstArray + i)]),
    ...steps.flatMap(({ op, operands, attributes }, i) => [
      ...emitters[op]!(operands.map(push), attributes),
      ...set(firstStep + i),
    ]),
    ...results.flatMap((operand, i) => [...address(arrays + i), ...push(operand), ...V.store]),
    // offset += 16, again while offset < bytes
    ...[...get(offset), 0x41, 16, 0x6a, 0x22, ...unsigned(offset), ...get(0), 0x49, 0x0d, 0],
  ];
  return {
    parameters: [TYPE.i32, ...range(addresses).map(() => TYPE.i32), ...range(scalars).map(() => TYPE.f32)],
    locals: [TYPE.i32, ...range(arrays + scalars + steps.length).map(() => TYPE.v128)],
    body: [
      ...range(scalars).flatMap((i) => [...get(firstScalar + i), ...V.splat, ...set(firstSplat + i)]),
      ...[0x03, 0x40, ...loop, 0x0b],
    ],
  };
}
