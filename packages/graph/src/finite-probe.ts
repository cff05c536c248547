import type { TensorSpec, Tree } from "@pipe/core";
import type { Graph, Node, Value } from "./graph.ts";
import { interpret } from "./interpret.ts";
import * as tf from "./tf.ts";

/** The first value of a program that is NaN or infinite, and what it was made from. */
export type NonFinite = {
  /** The op that made it; `Input` where it came from outside. */
  readonly op: string;
  /** Path of an input. */
  readonly path?: string;
  readonly spec: TensorSpec;
  /** Line of the call in the program. */
  readonly source?: string;
  /** The block that it belongs to. */
  readonly block?: string;
  /** The op and the largest magnitude of each of its inputs. */
  readonly inputs: readonly { readonly op: string; readonly path?: string; readonly largest: number }[];
  /** Outputs of the program that are not finite. */
  readonly outputs: readonly string[];
};

/** A program that looks at every value of another one. */
export type FiniteProbe = {
  /** Takes what the program takes. */
  program(inputs: Tree<tf.Tensor>): { readonly finite: tf.Tensor; readonly largest: tf.Tensor };
  /** Says what its results mean; `undefined` where everything is finite. */
  explain(finite: ArrayLike<number>, largest: ArrayLike<number>): NonFinite | undefined;
};

/**
 * Makes a program that computes all values of a traced one and reports whether they are finite, so that an engine can find
 * the first that is not. It computes what the program computes, and two reductions of each value.
 */
export function finiteProbe(graph: Graph): FiniteProbe {
  const watched = graph.nodes.flatMap(({ outputs }, node) =>
    outputs.flatMap(({ dtype }, output): Value[] => (dtype === "float32" ? [{ node, output }] : [])),
  );
  const places = new Map(watched.map((value, i) => [keyOf(value), i]));
  return {
    program: (inputs) => {
      const seen = watched.map((): readonly [tf.Tensor, tf.Tensor] | undefined => undefined);
      interpret(graph, inputs, (node, made) =>
        made.forEach((tensor, output) => {
          const place = places.get(keyOf({ node, output }));
          if (place === undefined) return;
          seen[place] = [tf.keep(tf.cast(tf.all(tf.isFinite(tensor)), "float32")), tf.keep(tf.max(tf.abs(tensor)))];
        }),
      );
      const [finite, largest] = [0, 1].map((part) => tf.stack(seen.map((pair) => pair![part as 0 | 1])));
      // `interpret` tidies up: what is seen inside was kept.
      tf.dispose(seen.flatMap((pair) => [...pair!]));
      return { finite: finite!, largest: largest! };
    },
    explain: (finite, largest) => {
      const first = watched.find((_, i) => finite[i] === 0);
      if (first === undefined) return undefined;
      const node = graph.nodes[first.node]!;
      const block = graph.blocks.find(({ nodes }) => nodes.includes(first.node))?.name;
      const outputs = Object.entries(graph.outputs).filter(([, value]) => finite[places.get(keyOf(value)) ?? -1] === 0);
      return {
        ...named(node),
        spec: node.outputs[first.output]!,
        ...(node.source === undefined ? {} : { source: node.source }),
        ...(block === undefined ? {} : { block }),
        inputs: node.inputs.flatMap((value) => {
          const place = places.get(keyOf(value));
          return place === undefined ? [] : [{ ...named(graph.nodes[value.node]!), largest: largest[place]! }];
        }),
        outputs: outputs.map(([path]) => path),
      };
    },
  };
}

function named({ op, attributes }: Node): { readonly op: string; readonly path?: string } {
  return op === "Input" ? { op, path: attributes["path"] as string } : { op };
}

function keyOf({ node, output }: Value): string {
  return `${node}.${output}`;
}
