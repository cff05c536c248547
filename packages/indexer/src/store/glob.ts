/**
 * A test for a glob: `*` within a name, `**` over folders, `?`, `[a-z]`, `{a,b}`. A pattern without a slash is looked for
 * in the last part of a path.
 */
export function globTest(pattern: string): (path: string) => boolean {
  const anchored = pattern.includes("/") ? pattern.replace(/^\.?\//, "") : `**/${pattern}`;
  const expression = new RegExp(`^${translate(anchored)}$`, "u");
  return (path) => expression.test(path);
}

function translate(pattern: string): string {
  let depth = 0;
  return (
    pattern.replaceAll(
      /(^|\/)\*\*\/|\/\*\*$|\*+|\?|\[(?:!|\^)?\]?[^\]]*\]|\{|\}|,|[^]/gu,
      (part, lead: string | undefined) => {
        if (part.endsWith("**/")) return `${lead ?? ""}(?:[^/]+/)*`;
        if (part === "/**") return "(?:/.*)?";
        if (part.startsWith("*")) return "[^/]*";
        if (part === "?") return "[^/]";
        if (part.length > 2 && part.startsWith("[")) {
          const negative = part[1] === "!" || part[1] === "^";
          const inside = part.slice(negative ? 2 : 1, -1).replaceAll(/[\\[\]^&~|]/g, String.raw`\$&`);
          return `[${negative ? "^" : ""}${inside}]`;
        }
        if (part === "{") return (depth++, "(?:");
        if (part === "}" && depth > 0) return (depth--, ")");
        if (part === "," && depth > 0) return "|";
        return part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
      },
    ) + ")".repeat(depth)
  );
}
