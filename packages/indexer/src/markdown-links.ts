import type { Root } from "mdast";
import type { MarkdownAtom, MarkdownLink } from "./markdown-document.ts";
import { textOf, walk } from "./markdown-tree.ts";

/** Links and images of a tree, references resolved; `mark` is added to offsets. A reference without definition is text. */
export function linksOf(root: Root, mark: number): readonly MarkdownLink[] {
  const targets = new Map<string, string>();
  walk(root, (node) => {
    if (node.type === "definition" && !targets.has(node.identifier)) targets.set(node.identifier, node.url);
    return true;
  });
  const links: MarkdownLink[] = [];
  walk(root, (node) => {
    const isImage = node.type === "image" || node.type === "imageReference";
    if (!isImage && node.type !== "link" && node.type !== "linkReference") return true;
    const target = "url" in node ? node.url : targets.get(node.identifier);
    const { start, end } = node.position!;
    if (target !== undefined) {
      const text = isImage ? (node.alt ?? "") : textOf(node);
      const kind = isImage ? "image" : "link";
      links.push({ kind, target, text, begin: start.offset! + mark, end: end.offset! + mark });
    }
    return true;
  });
  return links;
}

/** Links of the form `[[target]]`, `[[target|text]]`, `[[target#heading]]` outside of code. */
export function wikiLinksOf(source: string, atoms: readonly MarkdownAtom[]): readonly MarkdownLink[] {
  return [...source.matchAll(/\[\[([^\]|\n]+)(?:\|([^\]\n]+))?\]\]/g)].flatMap((match): MarkdownLink[] => {
    const [whole, target = "", text = target] = match;
    const [begin, end] = [match.index, match.index + whole.length];
    const isCode = atoms.some((atom) => atom.begin <= begin && end <= atom.end);
    return isCode ? [] : [{ kind: "wiki", target: target.trim(), text: text.trim(), begin, end }];
  });
}
