import { expect, it } from "vitest";
import { workerEntry } from "./worker-entry.ts";

it("names a worker beside a module, in sources and in a package, and drops the flag with which no file runs", () => {
  const source = workerEntry("file:///a/src/deep/module.ts", "other/some");
  expect([source.url.href, source.options]).toEqual([
    "file:///a/src/deep/other/some.worker.ts",
    { execArgv: ["--conditions=@pipe/source"] },
  ]);
  const built = workerEntry("file:///a/dist/module.js", "some", ["--max-old-space-size=100"]);
  expect([built.url.href, built.options]).toEqual(["file:///a/dist/some.worker.js", {}]);
  for (const flags of [["--input-type=module"], ["--input-type", "module"]])
    expect(workerEntry("file:///a/dist/module.js", "some", flags).options).toEqual({ execArgv: [] });
});
