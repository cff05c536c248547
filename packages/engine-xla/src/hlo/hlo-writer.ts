import type { HostArray, TensorSpec } from "@pipe/core";
import { formatArray, formatList, formatNumber, formatType, type HloSpec, type HloType } from "./format.ts";
import { formatSharding } from "./sharding.ts";

/** A value of a program under construction: its SSA name, shape and element type. */
export type HloValue = HloSpec & { readonly name: string };

/** Writes the body of a StableHLO function, one op a line. */
export class HloWriter {
  readonly lines: string[] = [];
  #count = 0;

  /** Adds an op that makes one value; `text` is what stands behind the equals sign. */
  add(text: string, { shape, dtype }: HloSpec): HloValue {
    const name = `%${this.#count++}`;
    this.lines.push(`${name} = ${text}`);
    return { name, shape, dtype };
  }

  /** Adds an op that makes several values, and `more` that are not used. */
  addAll(text: string, outputs: readonly HloSpec[], more = 0): HloValue[] {
    const name = `%${this.#count++}`;
    const count = outputs.length + more;
    this.lines.push(`${count === 1 ? name : `${name}:${count}`} = ${text}`);
    return outputs.map(({ shape, dtype }, i) => ({ name: count === 1 ? name : `${name}#${i}`, shape, dtype }));
  }

  /** An op whose operands and result have one type, such as `stablehlo.add`. */
  same(op: string, operands: readonly HloValue[]): HloValue {
    const [first] = operands;
    return this.add(`stablehlo.${op} ${names(operands)} : ${formatType(first!)}`, first!);
  }

  /** An op whose result has another type than its operand. */
  to(op: string, operand: HloValue, spec: HloSpec, attributes = ""): HloValue {
    const types = `(${formatType(operand)}) -> ${formatType(spec)}`;
    return this.add(`stablehlo.${op} ${operand.name}${attributes} : ${types}`, spec);
  }

  /** A value all of whose elements are one number. */
  fill(value: number, spec: HloSpec): HloValue {
    return this.add(`stablehlo.constant dense<${formatNumber(value, spec.dtype)}> : ${formatType(spec)}`, spec);
  }

  /** A constant of given elements. */
  constant(data: HostArray, spec: TensorSpec): HloValue {
    return this.add(`stablehlo.constant dense<${formatArray(data, spec)}> : ${formatType(spec)}`, spec);
  }

  /** 0, 1, 2, … along an axis. */
  iota(axis: number, shape: readonly number[]): HloValue {
    const spec: HloSpec = { shape, dtype: "int32" };
    return this.add(`stablehlo.iota dim = ${axis} : ${formatType(spec)}`, spec);
  }

  convert(value: HloValue, dtype: HloType): HloValue {
    return value.dtype === dtype ? value : this.to("convert", value, { shape: value.shape, dtype });
  }

  reshape(value: HloValue, shape: readonly number[]): HloValue {
    return sameShape(value.shape, shape) ? value : this.to("reshape", value, { shape, dtype: value.dtype });
  }

  transpose(value: HloValue, perm: readonly number[]): HloValue {
    const spec = { shape: perm.map((axis) => value.shape[axis]!), dtype: value.dtype };
    return this.to("transpose", value, spec, `, dims = [${formatList(perm)}]`);
  }

  slice(value: HloValue, begin: readonly number[], size: readonly number[]): HloValue {
    const ranges = begin.map((from, i) => `${from}:${from + size[i]!}`).join(", ");
    return this.to("slice", value, { shape: size, dtype: value.dtype }, ` [${ranges}]`);
  }

  /** Puts the axes of a value at `axes` of a larger shape and repeats it along all others. */
  broadcastInto(value: HloValue, axes: readonly number[], shape: readonly number[]): HloValue {
    return this.to("broadcast_in_dim", value, { shape, dtype: value.dtype }, `, dims = [${formatList(axes)}]`);
  }

  /** Broadcasts as NumPy does: equal sizes, or 1, from the last axis on. */
  broadcast(value: HloValue, shape: readonly number[]): HloValue {
    if (sameShape(value.shape, shape)) return value;
    const offset = shape.length - value.shape.length;
    const kept = value.shape.flatMap((size, i) => (size === 1 && shape[i + offset] !== 1 ? [] : [i]));
    const small = this.reshape(
      value,
      kept.map((axis) => value.shape[axis]!),
    );
    return this.broadcastInto(
      small,
      kept.map((axis) => axis + offset),
      shape,
    );
  }

  /** Folds axes together with an op such as `add`, from `initial` on. */
  reduce(value: HloValue, axes: readonly number[], op: string, initial: number, keepDims = false): HloValue {
    const { shape, dtype } = value;
    const scalar: HloSpec = { shape: [], dtype };
    const start = this.fill(initial, scalar);
    const spec: HloSpec = { shape: shape.filter((_, i) => !axes.includes(i)), dtype };
    const types = `(${formatType(value)}, ${formatType(scalar)}) -> ${formatType(spec)}`;
    const how = `applies stablehlo.${op} across dimensions = [${formatList(axes)}]`;
    const reduced = this.add(`stablehlo.reduce(${value.name} init: ${start.name}) ${how} : ${types}`, spec);
    if (!keepDims) return reduced;
    return this.reshape(
      reduced,
      shape.map((size, i) => (axes.includes(i) ? 1 : size)),
    );
  }

  /** The whole of a value on every device. */
  gathered(value: HloValue): HloValue {
    const sharding = formatSharding(value.shape.length, false);
    return this.add(`sdy.sharding_constraint ${value.name} ${sharding} : ${formatType(value)}`, value);
  }

  /** Compares two values of one shape by `EQ`, `NE`, `LT`, `LE`, `GT` or `GE`. */
  compare(direction: string, a: HloValue, b: HloValue): HloValue {
    const spec: HloSpec = { shape: a.shape, dtype: "bool" };
    const types = `(${formatType(a)}, ${formatType(b)}) -> ${formatType(spec)}`;
    return this.add(`stablehlo.compare ${direction}, ${a.name}, ${b.name} : ${types}`, spec);
  }

  /** `a` where `condition` holds, else `b`; a condition without axes holds for all. */
  select(condition: HloValue, a: HloValue, b: HloValue): HloValue {
    const types = `${formatType(condition)}, ${formatType(a)}`;
    return this.add(`stablehlo.select ${names([condition, a, b])} : ${types}`, a);
  }

  /** Like {@link add}, for an op in generic form whose types follow from operands and result. */
  generic(op: string, operands: readonly HloValue[], properties: string, region: string, spec: HloSpec): HloValue {
    const types = `(${operands.map(formatType).join(", ")}) -> ${formatType(spec)}`;
    const body = region === "" ? "" : ` (${region})`;
    return this.add(`"stablehlo.${op}"(${names(operands)}) <{${properties}}>${body} : ${types}`, spec);
  }
}

/** Names of values, as operands are listed. */
export function names(values: readonly HloValue[]): string {
  return values.map(({ name }) => name).join(", ");
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
