import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "@pipe/core";
import { expect, it } from "vitest";
import { ModelCheckpointer } from "./model-checkpointer.ts";
import { metadataAt, snapshotAt } from "./snapshot.test.fixture.ts";
import { temporaryFolders } from "./temporary-folder.test.fixture.ts";

const newFolder = temporaryFolders();

async function countOf(checkpointer: ModelCheckpointer): Promise<number> {
  for await (const { path, bytes } of (await checkpointer.load()).tensors()) {
    if (path === "scalars/applied") return new DataView(bytes.buffer).getInt32(0, true);
  }
  throw new Error("no count");
}

it("keeps what is stored when the disk takes no more, and says what to do", async () => {
  const folder = await newFolder();
  const checkpointer = new ModelCheckpointer({ folder });
  await checkpointer.save(snapshotAt(1), metadataAt(1));
  // A limit on the size of files is what a full disk looks like to a process: a write that is refused midway.
  const { code, text } = await inChild(
    `ulimit -f 64; exec "$0" "$@"`,
    folder,
    `
      await checkpointer.save(snapshotAt(1, 100_000), metadataAt(1)).catch((error) => console.log(error.message));
      await checkpointer.save(snapshotAt(2, 100_000), metadataAt(2)).catch((error) => console.log(error.code, error.fix));
      await checkpointer.save(snapshotAt(3), metadataAt(3));`,
  );
  expect([code, text.match(/could not be written|EFBIG|checkpoint-failed remove the cause/g)]).toEqual([
    0,
    ["could not be written", "EFBIG", "checkpoint-failed remove the cause"],
  ]);
  expect(await readdir(folder)).toEqual(["step-00000001", "step-00000003"]);
  await checkpointer.remove((await checkpointer.list())[1]!);
  expect(await countOf(checkpointer)).toBe(1);
});

it("a process that is killed at any moment leaves a checkpoint that loads, and the next process goes on from it", async () => {
  const folder = await newFolder();
  const random = new Random(5);
  let newest = 0;
  for (let turn = 0; turn < 10; turn++) {
    // The child says when it has saved; the parent kills it a random moment later.
    await inChild(
      `exec "$0" "$@"`,
      folder,
      `
        await checkpointer.sweep();
        for (let step = ${newest} + 1; ; step++) {
          await checkpointer.save(snapshotAt(step, 20_000), metadataAt(step));
          await checkpointer.save(snapshotAt(step, 20_000), metadataAt(step));
          console.log(step);
        }`,
      1 + random.uniform() * 30,
    );
    const checkpointer = new ModelCheckpointer({ folder });
    const count = await countOf(checkpointer);
    expect(count).toBeGreaterThan(newest);
    expect((await checkpointer.list()).at(-1)!.step).toBe(count);
    newest = count;
  }
  const checkpointer = new ModelCheckpointer({ folder });
  await checkpointer.sweep();
  for (const ref of await checkpointer.list())
    expect(await checkpointer.verify(ref)).toEqual({ ok: true, problems: [] });
  expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
});

/** Runs code beside a checkpointer in another process; kills it so many ms after its first word if asked to. */
async function inChild(shell: string, folder: string, code: string, killAfter?: number) {
  const script = join(await newFolder(), "child.mjs");
  const source = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  await writeFile(
    script,
    `import { ModelCheckpointer } from ${source("./index.ts")};
    import { metadataAt, snapshotAt } from ${source("./snapshot.test.fixture.ts")};
    const checkpointer = new ModelCheckpointer({ folder: ${JSON.stringify(folder)} });
    ${code}`,
  );
  const child = spawn("sh", ["-c", shell, process.execPath, "--conditions=@pipe/source", script]);
  let text = "";
  let errors = "";
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  child.stdout.on("data", (data: Buffer) => {
    if (text === "" && killAfter !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfter);
    text += data.toString();
  });
  const [exit] = (await once(child, "close")) as [number | null];
  if (errors !== "") throw new Error(errors);
  return { code: exit, text };
}
