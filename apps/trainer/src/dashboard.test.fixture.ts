import { join } from "node:path";
import { createRun } from "@pipe/persist";
import { run } from "./cli.ts";
import type { Host } from "./host.ts";

/** Runs `pipe dashboard` on a free port, does something with its address, and interrupts it. */
export async function withDashboard(
  host: Host,
  args: readonly string[],
  body: (url: string) => Promise<void>,
): Promise<{ readonly code: number; readonly out: string }> {
  let out = "";
  let interrupt: () => void = () => undefined;
  let told: (url: string) => void;
  const url = new Promise<string>((resolve) => (told = resolve));
  const listening: Host = {
    ...host,
    stdout: {
      write: (text: string) => {
        out += text;
        const address = /http:[^\s"]+/.exec(text)?.[0];
        if (address !== undefined) told(address);
      },
    },
    onInterrupt: (listener) => {
      interrupt = listener;
      return { [Symbol.dispose]: () => undefined };
    },
  };
  const ended = run(["dashboard", "--port", "0", ...args], listening);
  try {
    await body(await Promise.race([url, ended.then((code) => Promise.reject(new Error(`it ended with ${code}`)))]));
  } finally {
    // It waits for the interrupt right after it has told its address.
    await new Promise((resolve) => setImmediate(resolve));
    interrupt();
  }
  return { code: await ended, out };
}

/** A run that no training made, in a folder of runs. */
export async function writeImportedRun(runs: string): Promise<void> {
  const made = { config: {}, configHash: "0", versions: {}, engine: "none", device: "none" };
  await createRun(join(runs, "brought"), { name: "brought", ...made, imported: "hub/model" });
}
