import { type ParameterSpec, sizeOf } from "@pipe/core";
import { formatInteger } from "@pipe/monitor";
import { table } from "./runs/table.ts";

/** Parameters that differ only in the number of their block, and how many blocks have them. */
type Row = { readonly name: string; readonly spec: ParameterSpec; count: number };

/** A table of a model's parameters for people; equal parameters of its blocks share a line. */
export function parameterTable(parameters: readonly ParameterSpec[]): string {
  const rows = new Map<string, Row>();
  for (const spec of parameters) {
    const name = spec.name.replace(/(^|\.)\d+(?=\.)/, "$1*");
    const key = `${name} ${spec.shape.join(" × ")}`;
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { name, spec, count: 1 });
    else row.count++;
  }
  const head = ["parameter", "", "shape", "each", "all"];
  const lines = [...rows.values()].map(({ name, spec, count }) => {
    const each = sizeOf(spec.shape);
    const shared = [...(count === 1 ? [] : [`${count} times`]), ...(spec.decay ? [] : ["no decay"])].join(", ");
    return [name, shared, spec.shape.join(" × "), formatInteger(each), formatInteger(count * each)];
  });
  return table([head, ...lines], 2);
}
