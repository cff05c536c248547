import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createXlaEngine } from "../create-engine.ts";
import { startStore } from "./store-server.ts";

const plugin = process.env["PIPE_XLA_CPU"];
const secret = "a secret of the nodes";

describe.skipIf(plugin === undefined)("several hosts on a plug-in for CPUs", () => {
  it("are refused once the nodes have met, and leave node 0 free for another try", async () => {
    const probe = await startStore({ host: "127.0.0.1", port: 0, secret });
    const master = `127.0.0.1:${probe.port}`;
    probe.close();
    const hosts = { nodes: 2, node: 0, master, secret };
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(createXlaEngine({ plugin: plugin!, hosts })).rejects.toMatchObject({
        code: "xla-hosts-unsupported",
        fix: expect.stringContaining("mpirun"),
      });
    }
    // A process that has nothing else to do waits for the answer, and ends after it.
    const script = `import { createXlaEngine } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
      await createXlaEngine(${JSON.stringify({ plugin, hosts })}).catch(({ code }) => console.log(code));`;
    const args = ["--conditions=@pipe/source", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe("xla-hosts-unsupported");
  });
});
