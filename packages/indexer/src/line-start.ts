export const thematicBreak = /^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const fence = /^(?:`{3,}[^`]*$|~{3})/;
/** Only where text follows in the same line: what else a marker may begin is left to the parser. */
export const itemMarker = /^( {0,3})(?:([-*+])|(\d{1,9})([.)])) {1,4}(?=[^ \t])/;
/** Below a line of text it makes a heading or a table of it. */
export const underline = /^[-=:|][-=:| \t]*$/;
/** What a link may refer to, in one line; its name is kept. */
export const definition =
  /^ {0,3}\[((?!\^)[^\s[\]\\][^[\]\\]{0,500})\]:[ \t]+[^\s<()"'\\\p{Cc}][^\s<()\\\p{Cc}]*(?:[ \t]+(?:"[^"\\]*"|'[^'\\]*'))?[ \t]*$/u;
/** HTML that goes to the next blank line, and that only does so where it begins a block. */
const htmlBlock = new RegExp(
  "^</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|" +
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|" +
    "nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)(?:[ \\t]|/?>|$)",
  "i",
);
export const htmlTag =
  /^<(?:\/[a-z][a-z0-9-]*[ \t]*|[a-z][a-z0-9-]*(?:[ \t]+[a-z_:][a-z0-9_.:-]*(?:[ \t]*=[ \t]*(?:[^ \t"'=<>`]+|"[^"]*"|'[^']*'))?)*[ \t]*\/?)>[ \t]*$/i;
/** It goes to the line where it ends. */
const comment = /^<!--(?!-?>)/;
/** HTML that ends in other ways. */
const otherHtml = /^<(?:[!?]|(?:script|pre|style|textarea)(?:[ \t>]|$))/i;

/** What a line may begin. */
export type Start = "heading" | "fence" | "quote" | "list" | "break" | "html" | "text" | "unsure";

/** What a line without its indentation begins, or whether it may be more than this module knows of. */
export function startOf(line: string): Start {
  switch (line[0]) {
    case "#":
      return /^#{1,6}(?: |$)/.test(line) ? "heading" : /^#{1,6}\t/.test(line) ? "unsure" : "text";
    case "`":
    case "~":
      return fence.test(line) ? "fence" : "text";
    case ">":
      return "quote";
    case "-":
    case "*":
    case "+":
    case "_":
      if (thematicBreak.test(line)) return "break";
      return itemMarker.test(line) ? "list" : /^[-*+](?:[ \t]|$)/.test(line) ? "unsure" : "text";
    case "<":
      return htmlBlock.test(line) || comment.test(line) ? "html" : otherHtml.test(line) ? "unsure" : "text";
    case "[":
      return line[1] === "^" ? "unsure" : "text";
    case "$":
      return line[1] === "$" ? "unsure" : "text";
    case "\t":
      return "unsure";
    default:
      return !/^\d{1,9}[.)](?:[ \t]|$)/.test(line) ? "text" : itemMarker.test(line) ? "list" : "unsure";
  }
}

/**
 * Whether a list or quote certainly ends the paragraph above it: of numbers only 1 does, and what follows in its line is then
 * read by rules of its own.
 */
export function endsParagraph(line: string): boolean {
  const marker = itemMarker.exec(line);
  const inner = line.slice(marker?.[0].length ?? 2);
  return (marker?.[3] ?? "1") === "1" && startOf(inner) === "text" && !/^[ <|]/.test(inner);
}
