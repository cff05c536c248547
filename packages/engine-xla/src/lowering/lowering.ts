import type { Attributes, Node } from "@pipe/graph";
import type { HloValue, HloWriter } from "../hlo/hlo-writer.ts";
import type { Mesh } from "../mesh.ts";

/** How matrix products are computed. */
export type Precision = "fp32" | "bf16" | "fp16";

/** What a program is written for. */
export type Target = {
  /** The plug-in's platform, such as `cpu` or `cuda`. */
  readonly platform: string;
  readonly precision: Precision;
};

/** What the lowering of one node sees. */
export type Lowered = {
  readonly hlo: HloWriter;
  readonly node: Node;
  readonly attributes: Attributes;
  readonly inputs: readonly HloValue[];
  readonly target: Target;
  readonly mesh: Mesh;
  /** What an op leaves for the op of its gradient, by the name of its output. */
  readonly notes: Map<string, readonly HloValue[]>;
};

/** Writes the ops of one node and returns its output, or all of them. */
export type Lowering = (lowered: Lowered) => HloValue | readonly HloValue[];

/** The short type of a precision that has one. */
export function shortType(precision: Precision): "bfloat16" | "float16" {
  return precision === "fp16" ? "float16" : "bfloat16";
}
