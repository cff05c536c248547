import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { frontmatterFromMarkdown } from "mdast-util-frontmatter";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { mathFromMarkdown } from "mdast-util-math";
import { frontmatter } from "micromark-extension-frontmatter";
import { gfm } from "micromark-extension-gfm";
import { math } from "micromark-extension-math";
import { combineExtensions } from "micromark-util-combine-extensions";

/** CommonMark with GitHub's extensions, YAML front matter and `$$` math. One dollar sign is money: "costs $5 and then $10". */
export const syntax = combineExtensions([frontmatter(["yaml"]), gfm(), math({ singleDollarTextMath: false })]);

// The extensions' transforms walk the tree recursively, and nesting may be thousands deep; they only find bare addresses.
const fromGfm = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));

/** The syntax tree of CommonMark with GitHub's extensions, YAML front matter and `$$` math. */
export function treeOfMarkdown(source: string): Root {
  return fromMarkdown(source, {
    extensions: [syntax],
    mdastExtensions: [frontmatterFromMarkdown(["yaml"]), fromGfm, mathFromMarkdown()],
  });
}

/** Visits nodes in the order of the source; `visit` says whether to go into one. A stack, as nesting may be deep. */
export function walk(root: Nodes, visit: (node: Nodes, depth: number) => boolean): void {
  const stack: (readonly [Nodes, number])[] = [[root, 0]];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, depth] = next;
    if (!visit(node, depth) || !("children" in node)) continue;
    for (const child of node.children.toReversed()) stack.push([child, depth + 1]);
  }
}

/** The text of inline content, in one line. */
export function textOf(root: Nodes): string {
  const parts: string[] = [];
  walk(root, (node) => {
    if (node.type === "break") parts.push(" ");
    else if (node.type === "image" || node.type === "imageReference") parts.push(node.alt ?? "");
    else if ("value" in node && node.type !== "html") parts.push(node.value);
    return true;
  });
  return parts.join("").replaceAll(/\s+/g, " ").trim();
}
