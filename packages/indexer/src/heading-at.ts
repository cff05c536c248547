import type { MarkdownSection } from "./markdown-document.ts";

/** The headings above an offset. */
export function headingAt(sections: readonly MarkdownSection[], offset: number): readonly string[] {
  let [low, high] = [0, sections.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sections[middle]!.begin <= offset) low = middle + 1;
    else high = middle;
  }
  return sections[low - 1]?.heading ?? [];
}
