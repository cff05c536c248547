/** Words in small letters without a plural's s: an analysis that is not the index's own. */
export function termsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => !common.has(word)).map((word) => (/[^s]s$/.test(word) ? word.slice(0, -1) : word));
}

const common = new Set(
  (
    "a an and are as at be been but by can do does for from had has have how i if in into is it its may not of on or " +
    "should so such that the their then there these they this to was were what when where which who will with would"
  ).split(" "),
);
