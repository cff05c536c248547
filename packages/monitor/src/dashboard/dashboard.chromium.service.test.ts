import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SearchHit } from "@pipe/core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { logOf, report, runEvents } from "../run.test.fixture.ts";
import { createDashboard, type Dashboard } from "./dashboard.ts";

const executablePath = process.env["PIPE_CHROMIUM"];

const step = (n: number): string => logOf([{ event: "step-ended", time: Date.now(), ...report(n) }]);
const hit = {
  id: "a",
  collection: "default",
  path: "tea.md",
  heading: ["Tea", "Green"],
  line: 7,
  score: 1,
  text: "",
};

describe.skipIf(executablePath === undefined)("the page in Chromium", () => {
  let browser: Browser;
  let folder: string;
  let log: string;
  let dashboard: Dashboard;
  const said: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pipe-page-"));
    log = join(folder, "events.jsonl");
    await start();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await dashboard[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function start(port = 0): Promise<void> {
    dashboard = await createDashboard({
      runs: async () => [
        { name: "tiny", events: log, searchable: true },
        { name: "<b>other</b>", events: join(folder, "other.jsonl"), searchable: false },
        { name: "torn", events: "", searchable: false, damaged: "Its run.json is torn." },
      ],
      search: async (_run, { text, mode }) => {
        if (text === "fail") throw new Error("The index is gone.");
        if (text === "nothing") return [];
        const snippet = `${mode}: <img src=x onerror=alert(1)> ${text}`;
        return [
          { ...hit, snippet, highlights: [[snippet.length - text.length, snippet.length]] },
        ] satisfies SearchHit[];
      },
      pollMs: 10,
      port,
    });
  }

  /** Opens the page; whatever it complains of and asks elsewhere is noted. */
  async function open(address = "#tiny", options: BrowserContextOptions = {}): Promise<Page> {
    said.length = 0;
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("dialog", (dialog) => said.push(`dialog ${dialog.message()}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(dashboard.url) && !request.url().startsWith("data:")) said.push(request.url());
    });
    await page.goto(dashboard.url + address);
    return page;
  }

  /** Waits for a text in what an element shows or is called. */
  async function sees(page: Page, selector: string, text: string | RegExp): Promise<void> {
    const of = async (): Promise<string> => {
      const element = page.locator(selector).first();
      return (await element.count()) === 0
        ? ""
        : `${(await element.textContent()) ?? ""} ${(await element.getAttribute("aria-label")) ?? ""}`;
    };
    await expect.poll(of, { timeout: 10_000, interval: 20 }).toMatch(text);
  }

  /** How many steps the line of single losses has. */
  async function drawnSteps(page: Page): Promise<number> {
    const path = await page.locator("figure.wide path.faint").getAttribute("d");
    return path!.match(/[ML]/g)!.length;
  }

  it("shows a run as it happens: figures, curves, samples, what happened", async () => {
    const [started, ...rest] = runEvents(30);
    await writeFile(log, logOf([started!]));
    const page = await open();
    await sees(page, "h1", "tiny");
    await sees(page, "#about", "1.2M parameters · onnx on CPU");
    await appendFile(log, logOf(rest.slice(0, 13)));
    await sees(page, "#progress-text", "step 10 of 30");
    await sees(page, "#progress-text", "left");
    await sees(page, "figure.wide svg", "Loss: training 1.3000 · validation 1.4000 at step 10");
    await appendFile(log, logOf(rest.slice(13)));
    await sees(page, "#progress-text", "step 30 of 30");
    await sees(page, "#tiles", /Training1\.1000loss.*Validation1\.2000loss at 30.*Accuracy50\.0 %/);
    await sees(page, "#samples", "or step 30");
    await sees(page, "#notes", "completed at step 30");
    await expect.poll(() => page.title()).toBe("1.1000 · tiny · pipe");
    await sees(page, "#status", "completed");
    expect(await drawnSteps(page)).toBe(30);
    expect(said).toEqual([]);
  });

  it("goes on without loss or repetition when the server was away", async () => {
    await writeFile(log, step(1) + step(2));
    const page = await open();
    await sees(page, "figure.wide svg", "at step 2");
    const port = Number(new URL(dashboard.url).port);
    await dashboard[Symbol.asyncDispose]();
    await sees(page, "#notice", "connection was lost");
    await appendFile(log, step(3));
    await start(port);
    await appendFile(log, step(4));
    await sees(page, "figure.wide svg", "at step 4");
    expect(await drawnSteps(page)).toBe(4);
    await expect.poll(() => page.locator("#notice").isVisible()).toBe(false);
  });

  it("follows a run that goes on from an earlier step", async () => {
    await writeFile(log, [1, 2, 3, 4].map(step).join(""));
    const page = await open();
    await sees(page, "figure.wide svg", "at step 4");
    await writeFile(`${log}.new`, step(1) + step(2));
    await rename(`${log}.new`, log);
    await sees(page, "figure.wide svg", "at step 2");
    await appendFile(log, step(3));
    await sees(page, "figure.wide svg", "at step 3");
    expect(await drawnSteps(page)).toBe(3);
  });

  it("stays light in a long run: it asks for thinned curves when it has many points", async () => {
    await writeFile(log, step(1));
    const page = await open();
    await sees(page, "figure.wide svg", "at step 1");
    for (let n = 2; n <= 16_000; n += 400) {
      const end = Math.min(16_000, n + 399);
      await appendFile(log, Array.from({ length: end - n + 1 }, (_, i) => step(n + i)).join(""));
      await sees(page, "figure.wide svg", `at step ${end.toLocaleString("en-US")}`);
    }
    expect(await drawnSteps(page)).toBeLessThan(6500);
    expect(said).toEqual([]);
  });

  it("lists the runs, changes between them, and says what is wrong with one", async () => {
    await writeFile(log, logOf(runEvents(5)));
    await writeFile(join(folder, "other.jsonl"), step(1));
    const page = await open("");
    await sees(page, "#runs", /tiny.*completed · step 5/);
    await page.getByRole("link", { name: /<b>other<\/b>/ }).click();
    await sees(page, "h1", "<b>other</b>");
    await sees(page, "#status", "training");
    expect(await page.locator("#runs [aria-current=page] strong").textContent()).toBe("<b>other</b>");
    expect(await page.locator("#search").isVisible()).toBe(false);
    await page.getByRole("link", { name: /torn/ }).click();
    await sees(page, "#notice", "Its run.json is torn.");
    expect(await page.locator("#run").isVisible()).toBe(false);
    await page.goBack();
    await sees(page, "h1", "<b>other</b>");
    await page.goto(`${dashboard.url}#nobody`);
    await sees(page, "#notice", "There is no run nobody.");
    expect(said).toEqual([]);
  });

  it("searches, and shows what it finds as text and nothing else", async () => {
    await writeFile(log, step(1));
    const page = await open();
    await page.getByRole("searchbox", { name: "Search for" }).fill("green tea");
    await page.keyboard.press("Enter");
    await sees(page, "#hits", "Tea › Green  tea.md:7lexical: <img src=x onerror=alert(1)> green tea");
    expect(await page.locator("#hits mark").textContent()).toBe("green tea");
    await sees(page, "#search-status", "1 found");
    await page.getByRole("checkbox", { name: "by meaning too" }).check();
    await page.getByRole("button", { name: "Search" }).click();
    await sees(page, "#hits", "hybrid: ");
    await page.getByRole("searchbox").fill("nothing");
    await page.keyboard.press("Enter");
    await sees(page, "#search-status", "Nothing found.");
    expect(said).toEqual([]);
    await page.getByRole("searchbox").fill("fail");
    await page.keyboard.press("Enter");
    await sees(page, "#search-status", "The index is gone.");
    expect(await page.locator("#hits img").count()).toBe(0);
  });

  it("shows what a model wrote as text and nothing else", async () => {
    const text = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    await writeFile(log, step(1) + logOf([{ event: "sample-generated", time: 1, step: 1, prompt: "<i>", text }]));
    const page = await open();
    await sees(page, "#samples", `<i>${text}`);
    expect([await page.locator("#samples img, #samples script, #samples i").count(), said]).toEqual([0, []]);
  });

  it("can be used with the keyboard, and tells a screen reader what the curves show", async () => {
    await writeFile(log, logOf(runEvents(20)));
    const page = await open();
    await sees(page, "figure.wide svg", "at step 20");
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the run");
    await page.keyboard.press("Enter");
    expect(await page.locator(":focus").getAttribute("id")).toBe("main");
    const plot = page.getByRole("img", { name: /^Loss:/ });
    await plot.focus();
    for (const key of ["Home", "ArrowRight"]) await page.keyboard.press(key);
    await sees(page, "figure.wide output", "step 2: training 2.5000");
    await page.keyboard.press("End");
    await sees(page, "figure.wide output", "step 20: training 1.1500 · validation 1.2500");
    for (const role of ["navigation", "main", "search", "progressbar"] as const) {
      expect([role, await page.getByRole(role).count()]).toEqual([role, 1]);
    }
    await plot.hover();
    await sees(page, "figure.wide output", /step \d+: training/);
    expect(said).toEqual([]);
  });

  it("follows the system's light and dark, with text that can be read in both", async () => {
    await writeFile(log, logOf(runEvents(20)));
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open("#tiny", { colorScheme });
      await sees(page, "figure.wide svg", "at step 20");
      const colors = await page.evaluate<string[]>(
        `["--ink", "--quiet", "--card"].map((name) => getComputedStyle(document.documentElement).getPropertyValue(name))`,
      );
      const [ink, quiet, card] = colors.map((color) => color.trim());
      expect(contrast(ink!, card!)).toBeGreaterThan(7);
      expect(contrast(quiet!, card!)).toBeGreaterThan(4.5);
      expect(luminance(card!) > 0.5).toBe(colorScheme === "light");
    }
  });

  it.each([360, 768, 1920])("fits a window %d pixels wide", async (width) => {
    await writeFile(log, logOf(runEvents(20)));
    const page = await open("#tiny", { viewport: { width, height: 800 } });
    await sees(page, "figure.wide svg", "at step 20");
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  });
});

/** Relative luminance of a colour such as #1b2330. */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light! + 0.05) / (dark! + 0.05);
}
