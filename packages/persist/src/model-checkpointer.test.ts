import { cp, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PipeError, type ISnapshot } from "@pipe/core";
import { checkpointerContract } from "@pipe/core/testing";
import { describe, expect, it } from "vitest";
import { digestOf } from "./hashed-file.ts";
import { ModelCheckpointer } from "./model-checkpointer.ts";
import { openSafetensors } from "./safetensors-reader.ts";
import { metadataAt, parameter, parameters, snapshotAt } from "./snapshot.test.fixture.ts";
import { temporaryFolders } from "./temporary-folder.test.fixture.ts";

const newFolder = temporaryFolders();

checkpointerContract(async () => new ModelCheckpointer({ folder: join(await newFolder(), "checkpoints") }), {
  describe,
  it,
  expect,
});

async function saved(...steps: number[]) {
  const folder = await newFolder();
  const checkpointer = new ModelCheckpointer({ folder });
  for (const step of steps) await checkpointer.save(snapshotAt(step), metadataAt(step));
  return { folder, checkpointer };
}

async function stepsOf(checkpointer: ModelCheckpointer): Promise<number[]> {
  return (await checkpointer.list()).map(({ step }) => step);
}

async function countOf(checkpointer: ModelCheckpointer): Promise<number> {
  for await (const { path, bytes } of (await checkpointer.load()).tensors()) {
    if (path === "scalars/applied") return new DataView(bytes.buffer).getInt32(0, true);
  }
  throw new Error("no count");
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("folder", () => {
  it("holds files that other tools read", async () => {
    const { folder } = await saved(500);
    const path = join(folder, "step-00000500");
    expect((await readdir(path)).sort()).toEqual([
      "config.json",
      "manifest.json",
      "model.safetensors",
      "optimizer.safetensors",
      "state.json",
    ]);
    const model = await openSafetensors(join(path, "model.safetensors"));
    expect(model.metadata).toEqual({ format: "pt" });
    expect([...model.tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ["transformer.ln.bias", [2]],
      ["transformer.wte.weight", [2, 2]],
    ]);
    await model[Symbol.asyncDispose]();
    const optimizer = await openSafetensors(join(path, "optimizer.safetensors"));
    expect([...optimizer.tensors.keys()]).toEqual(["scalars/applied", "slots/m/ln.bias"]);
    await optimizer[Symbol.asyncDispose]();
    expect(JSON.parse(await readFile(join(path, "state.json"), "utf8"))).toEqual({
      step: 500,
      cursor: null,
      parameters,
    });
    const manifest = JSON.parse(await readFile(join(path, "manifest.json"), "utf8")) as { files: object };
    expect(manifest).toMatchObject({
      formatVersion: 1,
      files: { "model.safetensors": await digestOf(join(path, "model.safetensors")) },
    });
    expect(Object.keys(manifest.files)).toHaveLength(4);
  });

  it("has the same bytes for the same run, whatever the order of keys", async () => {
    const [left, right] = [await saved(7), await saved()];
    const { state, ...others } = metadataAt(7);
    const turned = Object.fromEntries(Object.entries(state).toReversed()) as typeof state;
    await right.checkpointer.save(snapshotAt(7), { state: turned, ...others });
    for (const name of await readdir(join(left.folder, "step-00000007"))) {
      const bytes = await readFile(join(left.folder, "step-00000007", name));
      expect(await readFile(join(right.folder, "step-00000007", name))).toEqual(bytes);
    }
  });
});

describe("load", () => {
  it("names the file in which one bit was flipped, whichever it is", async () => {
    const { folder, checkpointer } = await saved(1);
    const path = join(folder, "step-00000001");
    for (const name of ["model.safetensors", "optimizer.safetensors", "state.json", "config.json"]) {
      const bytes = await readFile(join(path, name));
      const flipped = Buffer.from(bytes);
      flipped[flipped.length >> 1]! ^= 1;
      await writeFile(join(path, name), flipped);
      const error: unknown = await checkpointer.load().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "checkpoint-damaged" });
      expect(messageOf(error)).toContain(join(path, name));
      const [ref] = await checkpointer.list();
      expect((await checkpointer.verify(ref!)).problems.map((problem) => problem.split(":")[0])).toEqual([name]);
      await writeFile(join(path, name), bytes);
    }
    expect(await countOf(checkpointer)).toBe(1);
  });

  it("names every file that is short or gone", async () => {
    const { folder, checkpointer } = await saved(1);
    await rm(join(folder, "step-00000001/config.json"));
    await writeFile(join(folder, "step-00000001/model.safetensors"), "");
    await expect(checkpointer.load()).rejects.toThrow(/got: 0 bytes; config.json is damaged too|got: no file; model/);
    const [ref] = await checkpointer.list();
    const { problems } = await checkpointer.verify(ref!);
    expect(problems.join()).toContain("config.json: expected 3 bytes, got no file");
    expect(problems).toHaveLength(2);
  });

  it("refuses a newer format, and does not sweep it", async () => {
    const { folder, checkpointer } = await saved(1);
    await mkdir(join(folder, "step-00000002"));
    await writeFile(join(folder, "step-00000002/manifest.json"), '{ "formatVersion": 2, "shards": [] }');
    expect(await checkpointer.sweep()).toEqual([]);
    await expect(checkpointer.load()).rejects.toMatchObject({ code: "checkpoint-newer" });
    expect(await checkpointer.verify((await checkpointer.list())[1]!)).toMatchObject({ ok: false });
  });

  it("compares stored tensors with the list of parameters", async () => {
    const { folder, checkpointer } = await saved(1);
    const path = join(folder, "step-00000001");
    const state = (await readFile(join(path, "state.json"), "utf8")).replace(
      /"shape": \[\s*3,\s*2\s*\]/,
      '"shape": [3, 9]',
    );
    const wrong = state.replace(/"shape": \[\s*2,\s*2\s*\]/, '"shape": [2, 9]');
    await writeFile(join(path, "state.json"), wrong);
    const manifest = JSON.parse(await readFile(join(path, "manifest.json"), "utf8")) as {
      files: { [name: string]: object };
    };
    manifest.files["state.json"] = await digestOf(join(path, "state.json"));
    await writeFile(join(path, "manifest.json"), JSON.stringify(manifest));
    const { tensors } = await checkpointer.load();
    await expect(all(tensors())).rejects.toThrow("expected: float32 [2, 9]\n  got: float32 [2, 2]");
  });
});

describe("save", () => {
  it.each([
    ["no step", { ...metadataAt(1), state: { step: -1 } }],
    ["a file outside", { ...metadataAt(1), files: { "../evil": "" } }],
    ["a file of the checkpoint's own", { ...metadataAt(1), files: { "state.json": "" } }],
    ["a part that is called like the list of parameters", { ...metadataAt(1), state: { step: 1, parameters: 1 } }],
    ["a parameter without tensor", { ...metadataAt(1), parameters: [...parameters, parameter("w", [1])] }],
    ["a tensor without parameter", { ...metadataAt(1), parameters: parameters.slice(1) }],
  ])("refuses %s", async (_, metadata) => {
    const { folder, checkpointer } = await saved();
    await expect(checkpointer.save(snapshotAt(1), metadata)).rejects.toMatchObject({
      code: "checkpoint-failed",
      cause: expect.any(PipeError) as PipeError,
    });
    expect((await readdir(folder).catch(() => [])).filter((name) => name !== "evil")).toEqual([]);
  });

  it("refuses a snapshot in another order", async () => {
    const { checkpointer } = await saved();
    const turned: ISnapshot = {
      ...snapshotAt(1),
      async *tensors() {
        yield* (await all(snapshotAt(1).tensors())).toReversed();
      },
    };
    await expect(checkpointer.save(turned, metadataAt(1))).rejects.toThrow("order of its specs");
  });

  it("says when the disk is full", async () => {
    const { checkpointer } = await saved();
    const full: ISnapshot = {
      ...snapshotAt(1),
      async *tensors() {
        const device = await open("/dev/full", "w");
        try {
          await device.write("x");
        } finally {
          await device.close();
        }
        yield* snapshotAt(1).tensors();
      },
    };
    await expect(checkpointer.save(full, metadataAt(1))).rejects.toMatchObject({ fix: /^free disk space/ });
  });
});

describe("readers and sweep", () => {
  const [home, aside, temporary] = ["step-00000001", ".old-step-00000001", ".tmp-step-00000001"];

  it("see a complete checkpoint at each moment of a replacement", async () => {
    const { folder, checkpointer } = await saved(1);
    const moments: (() => Promise<unknown>)[] = [
      async () => mkdir(join(folder, temporary)),
      async () => writeFile(join(folder, temporary, "model.safetensors"), "half"),
      async () => {
        await rm(join(folder, temporary), { recursive: true });
        await cp(join(folder, home), join(folder, temporary), { recursive: true });
      },
      async () => rename(join(folder, home), join(folder, aside)),
      async () => rename(join(folder, temporary), join(folder, home)),
      async () => rm(join(folder, aside, "manifest.json")),
      async () => rm(join(folder, aside, "model.safetensors")),
    ];
    for (const moment of moments) {
      await moment();
      expect(await stepsOf(checkpointer)).toEqual([1]);
      expect(await countOf(checkpointer)).toBe(1);
      const copy = await newFolder();
      await cp(folder, copy, { recursive: true });
      const next = new ModelCheckpointer({ folder: copy });
      await next.sweep();
      expect(await readdir(copy)).toEqual([home]);
      expect(await countOf(next)).toBe(1);
    }
  });

  it("remove what is no checkpoint and leave other things alone", async () => {
    const { folder, checkpointer } = await saved(1, 2);
    await writeFile(join(folder, "step-00000002/manifest.json"), '{ "formatVersion": 1, "fi');
    for (const text of [
      "[]",
      "null",
      '{ "formatVersion": 1, "files": { "state.json": {} } }',
      '{ "formatVersion": 1, "files": null }',
      '{ "formatVersion": 1, "files": { "state.json": { "size": 1, "sha256": "" }, "../x": { "size": 1, "sha256": "" } } }',
    ]) {
      await mkdir(join(folder, "step-00000003"), { recursive: true });
      await writeFile(join(folder, "step-00000003/manifest.json"), text);
      expect(await stepsOf(checkpointer)).toEqual([1]);
    }
    await mkdir(join(folder, "notes"));
    await writeFile(join(folder, "step-1"), "");
    await writeFile(join(folder, "step-00000009"), "a file");
    expect(await checkpointer.sweep()).toEqual(["step-00000002", "step-00000003", "step-00000009"]);
    expect(await readdir(folder)).toEqual(["notes", "step-00000001", "step-1"]);
  });

  it("do not see a removed checkpoint again that had once been replaced", async () => {
    const { folder, checkpointer } = await saved(1);
    await cp(join(folder, home), join(folder, aside), { recursive: true });
    const [ref] = await checkpointer.list();
    await checkpointer.remove(ref!);
    expect([await checkpointer.list(), await readdir(folder)]).toEqual([[], []]);
    await checkpointer.save(snapshotAt(1), metadataAt(1));
    await rename(join(folder, home), join(folder, aside));
    await checkpointer.remove(ref!);
    expect([await checkpointer.list(), await readdir(folder)]).toEqual([[], []]);
  });

  it("read on while a checkpoint is replaced again and again", async () => {
    const { checkpointer } = await saved(1);
    const write = async () => {
      for (let i = 0; i < 30; i++) await checkpointer.save(snapshotAt(i % 2), metadataAt(1));
    };
    const read = async () => {
      for (let i = 0; i < 60; i++) expect((await checkpointer.load()).metadata.state.step).toBe(1);
    };
    await Promise.all([write(), read()]);
  });

  it("report other failures as they are", async () => {
    const { folder } = await saved(1);
    const file = join(folder, "step-00000001/state.json");
    await expect(new ModelCheckpointer({ folder: file }).list()).rejects.toMatchObject({ code: "ENOTDIR" });
    await rm(file);
    await mkdir(file);
    const { problems } = await new ModelCheckpointer({ folder }).verify({ step: 1, location: join(folder, home) });
    expect(problems).toHaveLength(1);
  });
});
