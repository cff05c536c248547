import { expect, it } from "vitest";
import type { Tree } from "./interfaces/tensors.ts";
import { leaves, treeOf } from "./tree.ts";

const isNumber = (node: Tree<number>): node is number => typeof node === "number";

it("names leaves by path and builds the tree again", () => {
  const tree = { state: { params: { "h.0/x": 1, y: 2 }, none: undefined }, seed: 3 };
  const found = leaves<number>(tree, isNumber);
  expect(found).toEqual([
    ["state/params/h.0/x", 1],
    ["state/params/y", 2],
    ["seed", 3],
  ]);
  expect(leaves<number>(treeOf(found), isNumber)).toEqual(found);
});

it("takes a single leaf as a tree", () => {
  expect(leaves<number>(5, isNumber)).toEqual([["", 5]]);
  expect(treeOf([["", 5]])).toBe(5);
});
