import type { Attributes, Node } from "@pipe/graph";
import type { HloValue, HloWriter } from "../hlo/hlo-writer.ts";

/** How matrix products are computed. */
export type Precision = "fp32" | "bf16" | "fp16";

/** What the lowering of one node sees. */
export type Lowered = {
  readonly hlo: HloWriter;
  readonly node: Node;
  readonly attributes: Attributes;
  readonly inputs: readonly HloValue[];
  readonly precision: Precision;
};

/** Writes the ops of one node and returns its outputs. */
export type Lowering = (lowered: Lowered) => HloValue;
