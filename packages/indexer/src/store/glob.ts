import { messageOf, PipeError } from "@pipe/core";

/**
 * A test for a glob: `*` within a name, `**` over folders, `?`, `[a-z]`, `{a,b}`, and `\*` for a star. A pattern without
 * a slash is looked for in the last part of a path.
 *
 * @throws PipeError `search-options-invalid`.
 */
export function globTest(pattern: string): (path: string) => boolean {
  const anchored = pattern.includes("/") ? pattern.replace(/^\.?\//, "") : `**/${pattern}`;
  let expression: RegExp;
  try {
    expression = new RegExp(`^${translate(anchored)}$`, "u");
  } catch (cause) {
    throw new PipeError("search-options-invalid", "This is no glob.", {
      expected: "such as guide/**/*.md, or [a-z]*.md with a range that rises",
      got: `${pattern} (${messageOf(cause)})`,
      where: "filter.path",
      cause,
    });
  }
  return (path) => expression.test(path);
}

function translate(pattern: string): string {
  let depth = 0;
  return (
    pattern.replaceAll(
      /\\[^]|(^|\/)(?:\*\*\/)+|\/\*\*$|\*+|\?|\[(?:!|\^)?\]?[^\]]*\]|\{|\}|,|[^]/gu,
      (part, lead: string | undefined) => {
        if (part.length > 1 && part.startsWith("\\")) return literal(part.slice(1));
        if (part.endsWith("**/")) return `${lead ?? ""}(?:[^/]+/)*`;
        if (part === "/**") return "(?:/.*)?";
        if (part.startsWith("*")) return "[^/]*";
        if (part === "?") return "[^/]";
        if (part.length > 2 && part.startsWith("[")) {
          const negative = part[1] === "!" || part[1] === "^";
          const inside = part.slice(negative ? 2 : 1, -1).replaceAll(/[\\[\]^]/g, String.raw`\$&`);
          return `(?!/)[${negative ? "^" : ""}${inside}]`;
        }
        if (part === "{") return (depth++, "(?:");
        if (part === "}" && depth > 0) return (depth--, ")");
        if (part === "," && depth > 0) return "|";
        return literal(part);
      },
    ) + ")".repeat(depth)
  );
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, String.raw`\$&`);
}
