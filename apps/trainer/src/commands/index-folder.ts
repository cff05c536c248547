import { resolve } from "node:path";
import { MarkdownDataSource } from "@pipe/data";
import type { Host } from "../host.ts";
import { defaultIndex, noteEmbedder, withIndex } from "../markdown-index.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { parseCommand, required, usageError } from "../usage.ts";

/** `pipe index [add] <folder>`: indexes markdown, by words, and by meaning with a run's model. */
export async function indexFolder(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    { index: { type: "string" }, run: { type: "string" }, prune: { type: "boolean" }, engine: { type: "string" } },
    2,
  );
  const [first, second] = positionals;
  if (second !== undefined && first !== "add") throw usageError(`There is no index command ${JSON.stringify(first)}.`);
  const folder = resolve(host.cwd, required("The folder to index", second ?? first));
  const index = values.index === undefined ? defaultIndex(host.cwd) : resolve(host.cwd, values.index);
  const run = values.run === undefined ? undefined : runPath(host, runsDirOf(host, values["runs-dir"]), values.run);
  return withIndex(host, { index, run, create: true, engine: values.engine }, async (indexer) => {
    const report = await indexer.index(new MarkdownDataSource({ path: folder }).documents(), {
      prune: values.prune === true,
    });
    if (run !== undefined) await noteEmbedder(index, run);
    for (const { id, message } of report.failures) host.stderr.write(`not indexed: ${id}: ${message}\n`);
    if (values.json === true) host.stdout.write(`${JSON.stringify({ index, ...report })}\n`);
    else {
      const kept = report.unchanged === 0 ? "" : `, ${report.unchanged} unchanged`;
      host.stdout.write(`${report.documents} documents indexed${kept}, ${report.chunks} passages; index: ${index}\n`);
    }
    return 0;
  });
}
