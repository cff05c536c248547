import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { definedOnly } from "@pipe/core";
import { createDashboard, type DashboardRun } from "@pipe/monitor";
import { listRuns, openRun } from "@pipe/persist";
import { createRunSearch } from "../dashboard-search.ts";
import type { Host } from "../host.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { parseCommand, wholeFlag } from "../usage.ts";

/** `pipe dashboard`: serves a page with all runs to this machine's browsers until it is interrupted. */
export async function dashboard(args: readonly string[], host: Host): Promise<number> {
  const { values } = parseCommand(args, { run: { type: "string" }, port: { type: "string", default: "7878" } }, 0);
  const port = wholeFlag("port", values.port, 0);
  const wanted = values.run === undefined ? undefined : runPath(host, runsDirOf(host, values["runs-dir"]), values.run);
  if (wanted !== undefined) await openRun(wanted); // says what is wrong with it
  const runsDir = wanted === undefined ? runsDirOf(host, values["runs-dir"]) : dirname(wanted);
  const page = await createDashboard({
    runs: () => dashboardRuns(runsDir),
    search: createRunSearch(host, runsDir),
    port,
  });
  try {
    const url = wanted === undefined ? page.url : `${page.url}#${encodeURIComponent(basename(wanted))}`;
    host.stdout.write(
      values.json === true
        ? `${JSON.stringify({ event: "dashboard-started", url })}\n`
        : `dashboard: ${url}\nCtrl-C ends it; runs go on without it\n`,
    );
    await interrupted(host);
  } finally {
    await page[Symbol.asyncDispose]();
  }
  return 130;
}

async function dashboardRuns(runsDir: string): Promise<readonly DashboardRun[]> {
  const damaged: DashboardRun[] = [];
  const runs = await listRuns(runsDir, (path, error) => {
    damaged.push({ name: basename(path), events: "", searchable: false, damaged: error.message });
  });
  return [
    ...runs.map(({ path, events, index, info: { imported } }) => ({
      ...{ name: basename(path), events, searchable: existsSync(index) },
      ...definedOnly({ imported }),
    })),
    ...damaged,
  ];
}

async function interrupted(host: Host): Promise<void> {
  let subscription: Disposable | undefined;
  await new Promise<void>((resolve) => (subscription = host.onInterrupt(resolve)));
  subscription?.[Symbol.dispose]();
}
