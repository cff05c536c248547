import { removeRun } from "@pipe/persist";
import type { Host } from "../host.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { compareRuns } from "../runs/compare-runs.ts";
import { listAllRuns } from "../runs/list-all-runs.ts";
import { pictureOptions, themeFlag } from "../runs/pictures.ts";
import { showRun } from "../runs/show-run.ts";
import { verifyRun } from "../runs/verify-run.ts";
import { parseCommand, required, unknownCommand, usageError } from "../usage.ts";

/** `pipe runs list|show|compare|verify|remove`. */
export async function runs(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, pictureOptions, 30);
  const [action = "list", ...names] = positionals;
  const { svg, png, theme } = values;
  const draws = action === "show" || action === "compare";
  if (!draws && (svg ?? png ?? theme) !== undefined) throw usageError(`runs ${action} draws no picture.`);
  const most = { list: 0, compare: Infinity }[action] ?? 1;
  if (names.length > most) throw usageError(`There is no use for ${names.at(-1)!}.`);
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const json = values.json === true;
  const pictures = { json, svg, png, theme: themeFlag(theme) };
  if (action === "list") return listAllRuns(runsDir, host, json);
  if (action === "compare") {
    if (names.length < 2) throw usageError("Two runs or more can be compared.");
    const paths = names.map((name) => runPath(host, runsDir, name));
    return compareRuns(paths, host, pictures);
  }
  if (!["show", "verify", "remove"].includes(action))
    throw unknownCommand(action, ["list", "show", "compare", "verify", "remove"], "runs");
  const path = runPath(host, runsDir, required("The run", names[0]));
  if (action === "show") return showRun(path, host, pictures);
  if (action === "verify") return verifyRun(path, host, json);
  await removeRun(path);
  if (!json) host.stdout.write(`removed ${path}\n`);
  return 0;
}
