import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./cli.ts";
import { withDashboard, writeImportedRun } from "./dashboard.test.fixture.ts";
import type { Host } from "./host.ts";
import { writeTinyRecipe } from "./tiny-recipe.test.fixture.ts";

const executablePath = process.env["PIPE_CHROMIUM"];
/** A folder of runs: pictures of them for the documentation are taken; the last is shown, all are compared. */
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

  it("says of a run that no training made where its weights came from", async () => {
    await writeImportedRun(join(folder, "runs"));
    await withDashboard(hostIn(folder), [], async (url) => {
      const page = await browser.newPage();
      await page.goto(`${url}#brought`);
      await page.getByText("The weights of this run were imported from hub/model").waitFor();
      expect(await page.getByRole("link", { name: /brought/ }).textContent()).toBe("broughtimported");
    });
  });

  it.skipIf(pictured === undefined)("is pictured for the documentation", async () => {
    const host = { ...hostIn(folder), cwd: pictured! };
    await withDashboard(host, ["--runs-dir", "."], async (url) => {
      const runs = (await (await fetch(`${url}api/runs`)).json()) as { name: string }[];
      const shown = runs.at(-1)!.name;
      for (const [name, colorScheme, width, height] of [
        ["light", "light", 1320, 1250],
        ["dark", "dark", 1320, 800],
        ["narrow", "light", 400, 860],
      ] as const) {
        const viewport = { width, height };
        const context = await browser.newContext({ colorScheme, viewport, deviceScaleFactor: 1.5 });
        const page = await context.newPage();
        await page.goto(`${url}#${shown}`);
        await page.locator("figure.wide path.faint").waitFor();
        if (name === "light") {
          await page.getByRole("searchbox").fill("exact resume");
          await page.keyboard.press("Enter");
          await page.locator("#hits li").first().waitFor();
        }
        await page.screenshot({ path: join(pictures, `dashboard-${name}.png`) });
      }
      const names = runs.map(({ name }) => name);
      const draw = (...args: string[]) => run(["runs", ...args, "--runs-dir", "."], host);
      expect(await draw("show", shown, "--png", join(pictures, "run.png"))).toBe(0);
      expect(await draw("compare", ...names, "--png", join(pictures, "compared.png"), "--theme", "dark")).toBe(0);
    });
  });
});
