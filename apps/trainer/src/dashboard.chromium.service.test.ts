import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./cli.ts";
import { withDashboard } from "./dashboard.test.fixture.ts";
import type { Host } from "./host.ts";
import { writeTinyRecipe } from "./tiny-recipe.test.fixture.ts";

const executablePath = process.env["PIPE_CHROMIUM"];
/** A folder of runs: pictures of them for the documentation are taken; the first is shown, all are compared. */
const pictured = process.env["PIPE_SCREENSHOTS"];
const pictures = join(import.meta.dirname, "../../../docs/screenshots");

describe.skipIf(executablePath === undefined)("pipe dashboard in Chromium", () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox", "--disable-gpu"] });
    folder = await mkdtemp(join(tmpdir(), "pipe-dashboard-"));
    await writeTinyRecipe(folder, 60);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  const hostIn = (cwd: string): Host => ({
    ...{ env: {}, cwd, now: () => Date.now() },
    stdout: { write: () => undefined },
    stderr: { write: () => undefined },
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    exit: () => undefined,
  });

  it("shows a run that begins while it is open, until it has ended", async () => {
    await withDashboard(hostIn(folder), [], async (url) => {
      const page = await browser.newPage();
      await page.goto(`${url}#live`);
      await page.getByText("There is no run live.").waitFor();
      expect(await run(["train", "tiny.yaml", "--name", "live"], hostIn(folder))).toBe(0);
      await page.getByRole("heading", { level: 1, name: "live" }).waitFor();
      await page.getByText("step 60 of 60").waitFor();
      await page.getByRole("img", { name: /Loss: training .* validation .* at step 60/ }).waitFor();
      expect(await page.locator("#status").textContent()).toBe("completed");
    });
  });

  it.skipIf(pictured === undefined)("is pictured for the documentation", async () => {
    const host = { ...hostIn(folder), cwd: pictured! };
    await withDashboard(host, ["--runs-dir", "."], async (url) => {
      const runs = (await (await fetch(`${url}api/runs`)).json()) as { name: string }[];
      const [first] = runs;
      for (const [colorScheme, width] of [
        ["light", 1360],
        ["dark", 1360],
        ["light", 400],
      ] as const) {
        const context = await browser.newContext({
          colorScheme,
          viewport: { width, height: 860 },
          deviceScaleFactor: 2,
        });
        const page = await context.newPage();
        await page.goto(`${url}#${first!.name}`);
        await page.locator("figure.wide path.faint").waitFor();
        if (width > 400 && colorScheme === "light") {
          await page.getByRole("searchbox").fill("continue an interrupted run");
          await page.keyboard.press("Enter");
          await page.locator("#hits li").first().waitFor();
        }
        const path = join(pictures, `dashboard-${width > 400 ? colorScheme : "narrow"}.png`);
        await page.screenshot({ path, fullPage: width > 400 && colorScheme === "light" });
      }
      const names = runs.map(({ name }) => name);
      const draw = (...args: string[]) => run(["runs", ...args, "--runs-dir", "."], host);
      expect(await draw("show", names[0]!, "--png", join(pictures, "run.png"))).toBe(0);
      expect(await draw("compare", ...names, "--png", join(pictures, "compared.png"), "--theme", "dark")).toBe(0);
    });
  });
});
