import { appendFile, chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SearchHit } from "@pipe/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MetricsCollector } from "../metrics-collector.ts";
import { logOf, report, runEvents } from "../run.test.fixture.ts";
import { createDashboard, type Dashboard, type DashboardOptions } from "./dashboard.ts";
import { get, raw, Reader, type Sent } from "./http.test.fixture.ts";

let folder: string;
let log: string;
let dashboard: Dashboard;
let port: number;

async function start(options: Partial<DashboardOptions> = {}): Promise<void> {
  dashboard = await createDashboard({
    runs: async () => [
      { name: "tiny", events: log, searchable: true },
      { name: "später/1", events: join(folder, "later.jsonl"), searchable: false },
      { name: "broken", events: "", searchable: false, damaged: "its run.json is torn" },
    ],
    pollMs: 5,
    ...options,
  });
  port = Number(new URL(dashboard.url).port);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-dashboard-"));
  log = join(folder, "events.jsonl");
});
afterEach(async () => {
  await dashboard?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const events = (): string => `${dashboard.url}api/runs/tiny/events`;
const step = (n: number): string => logOf([{ event: "step-ended", time: 100 * n, ...report(n) }]);
/** The steps of the loss in what was sent, in order; a state replaces what came before it. */
function stepsIn(sent: readonly Sent[]): number[] {
  let steps: number[] = [];
  for (const { event, data } of sent) {
    const parsed = JSON.parse(data) as {
      series?: { [n: string]: number[][] };
      points?: { [n: string]: number[][] };
      cut?: number;
    };
    if (event === "state") steps = [];
    if (parsed.cut !== undefined) steps = steps.filter((each) => each <= parsed.cut!);
    for (const [each] of (parsed.series ?? parsed.points!)["loss"] ?? []) steps.push(each!);
  }
  return steps;
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("the stream of a run", () => {
  it("begins with everything so far, thinned, and goes on with what happens", async () => {
    await start();
    await writeFile(log, logOf(runEvents(3).slice(0, -1)));
    const reader = await Reader.open(events());
    const [state] = await reader.until(({ length }) => length > 0);
    const read = await MetricsCollector.read(log);
    expect([state!.event, JSON.parse(state!.data)]).toEqual(["state", JSON.parse(JSON.stringify(read.snapshot()))]);
    await appendFile(log, step(4));
    await reader.until((sent) => stepsIn(sent).length === 4);
    expect(reader.sent[1]!.event).toBe("more");
    expect(JSON.parse(reader.sent[1]!.data)).toMatchObject({
      samples: [],
      notes: [],
      progress: { report: { step: 4 } },
    });
  });

  it("goes on after the last id without loss or repetition, also from a server that was started anew", async () => {
    await start();
    await writeFile(log, step(1) + step(2));
    const first = await Reader.open(events());
    await first.until((sent) => stepsIn(sent).length === 2);
    first.close();
    await appendFile(log, step(3));
    const second = await Reader.open(events(), first.sent.at(-1)!.id);
    await appendFile(log, step(4));
    await second.until((sent) => stepsIn(sent).includes(4));
    expect(second.sent.every(({ event }) => event === "more")).toBe(true);
    expect(stepsIn([...first.sent, ...second.sent])).toEqual(upTo(4));
    second.close();
    await dashboard[Symbol.asyncDispose]();
    await start();
    const third = await Reader.open(events(), second.sent.at(-1)!.id);
    await appendFile(log, step(5));
    await third.until((sent) => stepsIn([...first.sent, ...second.sent, ...sent]).includes(5));
    expect(stepsIn([...first.sent, ...second.sent, ...third.sent])).toEqual(upTo(5));
  });

  it("sends everything anew to those whose last id is too old, unknown or of another log", async () => {
    await start();
    await writeFile(log, upTo(5000).map(step).join(""));
    for (const id of ["", "nonsense", "1.2-0", "x".repeat(500)]) {
      const reader = await Reader.open(events(), id);
      const [state] = await reader.until(({ length }) => length > 0);
      expect([id, state!.event]).toEqual([id, "state"]);
      const steps = stepsIn([state!]);
      expect([steps.length < 2000, steps[0], steps.at(-1)]).toEqual([true, 1, 5000]);
      reader.close();
    }
  });

  it("begins anew when the run goes on from an earlier step in a new log", async () => {
    await start();
    await writeFile(log, step(1) + step(2) + step(3));
    const reader = await Reader.open(events());
    await reader.until((sent) => stepsIn(sent).length === 3);
    await writeFile(`${log}.new`, step(1));
    await rename(`${log}.new`, log);
    await appendFile(log, step(2));
    await reader.until((sent) => stepsIn(sent).length === 2);
    expect(reader.sent.at(-1)!.event).toBe("state");
    const back = await Reader.open(events(), reader.sent[0]!.id);
    expect((await back.until(({ length }) => length > 0))[0]!.event).toBe("state");
  });

  it("tells the page to forget steps that a run does again in the same log", async () => {
    await start();
    await writeFile(log, logOf(runEvents(5)));
    const reader = await Reader.open(events());
    await reader.until((sent) => stepsIn(sent).length === 5);
    await appendFile(log, logOf(runEvents(6, { from: 3, begin: 9000 })));
    await reader.until((sent) => stepsIn(sent).includes(6));
    expect(stepsIn(reader.sent)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(JSON.parse(reader.sent.at(-1)!.data)).toMatchObject({
      cut: 3,
      notes: [{ event: "run-started" }, { event: "run-ended" }],
    });
  });

  it("waits for a run that has not begun, and keeps one that is removed", async () => {
    await start();
    const reader = await Reader.open(`${dashboard.url}api/runs/${encodeURIComponent("später/1")}/events`);
    expect(JSON.parse((await reader.until(({ length }) => length > 0))[0]!.data)).toMatchObject({
      run: null,
      series: {},
    });
    await writeFile(join(folder, "later.jsonl"), step(1));
    await reader.until((sent) => stepsIn(sent).length === 1);
    await rm(join(folder, "later.jsonl"));
    const other = await Reader.open(`${dashboard.url}api/runs/${encodeURIComponent("später/1")}/events`);
    expect(stepsIn(await other.until(({ length }) => length > 0))).toEqual([1]);
  });

  it("says that a log cannot be read, and when it can again", async () => {
    await mkdir(log);
    await start();
    const reader = await Reader.open(events());
    await reader.until((sent) => sent.some(({ event, data }) => event === "problem" && data.includes("EISDIR")));
    await rm(log, { recursive: true });
    await writeFile(log, step(1));
    await reader.until((sent) => sent.at(-1)!.event === "state" && sent.at(-2)!.data === "null");
    expect(stepsIn([reader.sent.at(-1)!])).toEqual([1]);
  });

  it("follows a run anew for a page that comes after the last one has left for a while", async () => {
    await writeFile(log, step(1));
    await start();
    for (let i = 0; i < 3; i++) {
      const reader = await Reader.open(events());
      await reader.until(({ length }) => length > 0);
      reader.close();
    }
    expect(stepsIn(await (await Reader.open(events())).until(({ length }) => length > 0))).toEqual([1]);
  });
});

describe("slow and many readers", () => {
  /** A reader that asks and then takes nothing. */
  async function stuck(): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" }, () => {
        socket.pause();
        socket.write("GET /api/runs/tiny/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        resolve(socket);
      });
      socket.on("error", () => undefined);
    });
  }
  /** 200 kB of what is sent whole. */
  const notes = logOf(upTo(50).map((time) => ({ event: "warning", time, source: "test", message: "x".repeat(3900) })));

  /** Writes it and a step, and waits until a reader that is not slow has both. */
  async function write(n: number, reader: Reader): Promise<void> {
    await appendFile(log, notes + step(n));
    await reader.until((sent) => stepsIn(sent.slice(-1)).includes(n));
    reader.sent.length = 0;
  }

  it("hold up nobody and are not sent more than they take: fifty of them cost a bounded memory", async () => {
    await start({ stallMs: 60_000 });
    await writeFile(log, step(1));
    const sockets = await Promise.all(upTo(50).map(stuck));
    const reader = await Reader.open(events());
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    // 40 MB of events, 2 GB if each of the fifty had a queue.
    for (let n = 2; n <= 201; n++) await write(n, reader);
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
    for (const socket of sockets) socket.destroy();
  });

  it("are cut off when they take nothing for long", async () => {
    await writeFile(log, step(1));
    await start({ stallMs: 50 });
    const socket = await stuck();
    const reader = await Reader.open(events());
    await reader.until(({ length }) => length > 0);
    const closed = new Promise((resolve) => socket.on("close", resolve));
    for (let n = 2; n < 100; n++) await write(n, reader);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Only a socket that is read notices its end.
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBeLessThan(20e6);
  });

  it("are turned away beyond the limit", async () => {
    await writeFile(log, step(1));
    await start({ readers: 1 });
    const reader = await Reader.open(events());
    await reader.until(({ length }) => length > 0);
    expect(await get(events())).toMatchObject({ status: 503 });
    reader.close();
    const next = async (): Promise<unknown> => {
      const other = await Reader.open(events());
      try {
        return (await other.until(({ length }) => length > 0))[0]!.event;
      } catch {
        return "turned away"; // the server has not noticed yet that the first has gone
      } finally {
        other.close();
      }
    };
    await expect.poll(next).toBe("state");
  });
});

describe("what is served", () => {
  beforeEach(async () => {
    await writeFile(log, logOf(runEvents(10)));
    await start({
      search: async (run, query) => {
        if (query.text === "fail") throw new Error("the index is gone");
        return [{ ...query, id: run } as unknown as SearchHit];
      },
    });
  });

  it("is a page with strict headers that loads nothing from elsewhere", async () => {
    const { status, headers, body } = await get(dashboard.url);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    const named = Array.from(body.matchAll(/(?:src|href)="([^"#]+)"/g), ([, address]) => address!);
    expect(named.filter((address) => !address.startsWith("/") && !address.startsWith("data:"))).toEqual([]);
    for (const address of [
      ...named.filter((each) => each.startsWith("/")),
      "/chart.js",
      "/figures.js",
      "/run-state.js",
    ]) {
      expect(await get(new URL(address, dashboard.url).href)).toMatchObject({ status: 200 });
    }
    expect(await get(dashboard.url, { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  });

  it("lists runs with what their logs tell, damaged ones too", async () => {
    expect(JSON.parse((await get(`${dashboard.url}api/runs`)).body)).toEqual([
      {
        name: "tiny",
        searchable: true,
        step: 10,
        loss: 1.3,
        validation: 1.4000000000000001,
        ended: "completed",
        time: 3000,
      },
      { name: "später/1", searchable: false, step: 0, loss: null, validation: null, ended: null, time: null },
      { name: "broken", searchable: false, damaged: "its run.json is torn" },
    ]);
    await writeFile(log, "damaged\n\n");
    const [tiny] = JSON.parse((await get(`${dashboard.url}api/runs`)).body) as { damaged: string }[];
    expect(tiny!.damaged).toContain("not an event");
    expect(await get(`${dashboard.url}api/runs/broken/events`)).toMatchObject({
      status: 409,
      body: expect.stringContaining("torn"),
    });
  });

  it("searches a run by words or by meaning too", async () => {
    const search = (query: string, run = "tiny") => get(`${dashboard.url}api/runs/${run}/search?${query}`);
    expect(JSON.parse((await search("q=+tea+&mode=hybrid")).body)).toEqual([
      { id: "tiny", text: "tea", limit: 8, mode: "hybrid" },
    ]);
    expect(JSON.parse((await search("q=tea")).body)).toMatchObject([{ mode: "lexical" }]);
    for (const query of ["", "q=%20", `q=${"x".repeat(501)}`, "q=tea&mode=magic"]) {
      expect([query, (await search(query)).status]).toEqual([query, 400]);
    }
    expect(await search("q=fail")).toMatchObject({ status: 500, body: '{"error":"the index is gone"}' });
    expect((await search("q=tea", "broken")).status).toBe(404);
    await dashboard[Symbol.asyncDispose]();
    await start();
    expect((await get(`${dashboard.url}api/runs/tiny/search?q=tea`)).status).toBe(404);
  });

  it.each([
    ["/../package.json", 404],
    ["/..%2f..%2fpackage.json", 404],
    ["/%2e%2e/%2e%2e/etc/passwd", 404],
    ["/style.css/../../package.json", 404],
    ["/api/runs/..%2f..%2fetc/events", 404],
    ["/api/runs/tiny/events/more", 404],
    ["/api/runs/tiny", 404],
    ["/api/runs/nobody/events", 404],
    ["/%", 400],
    ["/%ff", 400],
    ["//evil.example/", 400],
    ["http://evil.example/", 400],
    ["*", 400],
    [`/${"x".repeat(3000)}`, 414],
  ])("refuses the address %s", async (path, status) => {
    const answer = await get(dashboard.url, { path });
    expect([answer.status, answer.body.includes("root:")]).toEqual([status, false]);
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("refuses %s", async (method) => {
    expect(await get(dashboard.url, { method })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  it("refuses other names than its own, which a foreign page may have pointed here", async () => {
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1.evil.example",
      "localhost@evil.example",
      "[::2]",
    ]) {
      expect([host, (await get(dashboard.url, { headers: { Host: host } })).status]).toEqual([host, 403]);
    }
    for (const host of [`localhost:${port}`, "LOCALHOST", "127.0.0.1", `[::1]:${port}`, "localhost:1"]) {
      expect([host, (await get(dashboard.url, { headers: { Host: host } })).status]).toEqual([host, 200]);
    }
  });

  it("refuses calls from pages of other origins", async () => {
    const Host = `localhost:${port}`;
    const status = async (headers: { [name: string]: string }) =>
      (await get(`${dashboard.url}api/runs`, { headers: { Host, ...headers } })).status;
    for (const Origin of ["http://evil.example", "null", "http://localhost", `http://localhost:${port}.evil.example`]) {
      expect([Origin, await status({ Origin })]).toEqual([Origin, 403]);
    }
    expect(await status({ Origin: `http://localhost:${port}` })).toBe(200);
    expect(await status({ "Sec-Fetch-Site": "cross-site" })).toBe(403);
    expect(await status({ "Sec-Fetch-Site": "same-site" })).toBe(403);
    expect(await status({ "Sec-Fetch-Site": "same-origin" })).toBe(200);
  });

  it("answers what is no HTTP with 400, and goes on", async () => {
    expect(await raw(port, "not http at all\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(100_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 4/,
    );
    expect(await raw(port, "GET / HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(port, "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 403/);
    expect((await get(dashboard.url)).status).toBe(200);
  });
});

it("fails with a clear message where it cannot list the runs", async () => {
  await start({ runs: () => Promise.reject(new Error("the folder is gone")) });
  expect(await get(`${dashboard.url}api/runs`)).toMatchObject({ status: 500, body: '{"error":"the folder is gone"}' });
});

it("listens on this machine only unless told otherwise, and says when a port is taken", async () => {
  await start();
  expect(new URL(dashboard.url).hostname).toBe("127.0.0.1");
  await expect(createDashboard({ runs: async () => [], port })).rejects.toMatchObject({
    code: "dashboard-port",
    message: expect.stringContaining("EADDRINUSE"),
  });
  const none = createDashboard({ runs: async () => [], port: 99_999 });
  await expect(none).rejects.toMatchObject({ code: "dashboard-port" });
  await dashboard[Symbol.asyncDispose]();
  await start({ host: "::1", hostNames: ["Trainer.example"] });
  expect(dashboard.url).toBe(`http://[::1]:${port}/`);
  expect((await get(dashboard.url, { headers: { Host: "trainer.example" } })).status).toBe(200);
});

it.skipIf(process.getuid?.() === 0 || process.platform === "win32")("says that it may not read a log", async () => {
  await writeFile(log, step(1));
  await chmod(log, 0);
  await start();
  const [tiny] = JSON.parse((await get(`${dashboard.url}api/runs`)).body) as { damaged: string }[];
  expect(tiny!.damaged).toContain("EACCES");
});
