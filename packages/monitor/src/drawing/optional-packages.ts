import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { messageOf, PipeError } from "@pipe/core";

const INSTALL = "npm install echarts @resvg/resvg-js @expo-google-fonts/inter";

/** ECharts with what the pictures use. @throws PipeError `drawing-unavailable` with the install command. */
export async function loadECharts() {
  return orExplain("echarts", async () => {
    const [core, { LineChart }, { GridComponent, LegendComponent, TitleComponent }, { SVGRenderer }] =
      await Promise.all([
        import("echarts/core"),
        import("echarts/charts"),
        import("echarts/components"),
        import("echarts/renderers"),
      ]);
    core.use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
    return core;
  });
}

/** The rasterizer. @throws PipeError `drawing-unavailable` with the install command. */
export async function loadResvg() {
  return orExplain("@resvg/resvg-js", () => import("@resvg/resvg-js"));
}

/** Files of the font that every picture has: servers often have none. @throws PipeError `drawing-unavailable`. */
export async function fontFiles(): Promise<readonly string[]> {
  return orExplain("@expo-google-fonts/inter", async () => {
    const files = ["400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf"].map((file) =>
      fileURLToPath(import.meta.resolve(`@expo-google-fonts/inter/${file}`)),
    );
    await Promise.all(files.map((file) => readFile(file)));
    return files;
  });
}

/** Imports a package that only pictures need. */
export async function orExplain<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as { readonly code?: unknown };
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND" && code !== "ENOENT") throw cause;
    throw new PipeError("drawing-unavailable", "Pictures need a package that is not installed.", {
      expected: name,
      got: messageOf(cause),
      fix: INSTALL,
      cause,
    });
  }
}
