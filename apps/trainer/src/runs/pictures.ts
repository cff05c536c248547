import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type RunCurves, VisualizationEngine } from "@pipe/monitor";
import { type Host, takesColors } from "../host.ts";
import { usageError } from "../usage.ts";

/** Flags of the commands that draw. */
export const pictureOptions = {
  svg: { type: "string" },
  png: { type: "string" },
  theme: { type: "string" },
} as const;

/** What these flags give. */
export type PictureFlags = {
  readonly json: boolean;
  readonly svg?: string | undefined;
  readonly png?: string | undefined;
  readonly theme: "light" | "dark";
};

/** The theme of pictures. @throws PipeError `usage`. */
export function themeFlag(theme = "light"): "light" | "dark" {
  if (theme === "light" || theme === "dark") return theme;
  throw usageError(`--theme is light or dark, and got ${JSON.stringify(theme)}.`);
}

/** Writes the pictures that were asked for. @throws PipeError `nothing-to-draw`, `drawing-unavailable`. */
export async function writePictures(runs: readonly RunCurves[], host: Host, flags: PictureFlags): Promise<void> {
  const { svg, png, theme, json } = flags;
  const engine = new VisualizationEngine({ theme });
  for (const [file, draw] of [
    [svg, () => engine.svg(runs)],
    [png, () => engine.png(runs)],
  ] as const) {
    if (file === undefined) continue;
    const picture = await draw();
    await writeFile(resolve(host.cwd, file), picture);
    (json ? host.stderr : host.stdout).write(`wrote ${file}\n`);
  }
}

/** The curves for the terminal that the host has, and an empty line; nothing where no step has ended. */
export function terminalCurves(runs: readonly RunCurves[], host: Host): string {
  if (runs.every(({ metrics }) => metrics.names.length === 0)) return "";
  const color = takesColors(host, host.stdout);
  // Wider curves are not easier to read.
  const columns = Math.min(host.stdout.columns ?? 80, 140);
  return `${new VisualizationEngine().terminal(runs, { columns, color })}\n`;
}
