import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesOf, hostTensor, messageOf, type HostTensor } from "@pipe/core";
import { expect, it } from "vitest";
import { ModelCheckpointer } from "./model-checkpointer.ts";
import { ModelLoader } from "./model-loader.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import { metadataAt, parameter, parameters, snapshotAt } from "./snapshot.test.fixture.ts";
import { temporaryFolders } from "./temporary-folder.test.fixture.ts";

const newFolder = temporaryFolders();
const floats = (...values: number[]) => Float32Array.from(values);

async function fileOf(tensors: { readonly [name: string]: HostTensor }, folder?: string): Promise<string> {
  const path = join(folder ?? (await newFolder()), "model.safetensors");
  const entries = Object.entries(tensors);
  await writeSafetensors(
    path,
    entries.map(([name, { spec }]) => ({ name, spec })),
    (async function* () {
      for (const [name, { data }] of entries) yield { name, bytes: bytesOf(data) };
    })(),
  );
  return path;
}

const weights = {
  "ln.bias": hostTensor([2], floats(5, 6)),
  "wte.weight": hostTensor([2, 2], floats(1, 2, 3, 4)),
};
const expected = {
  "ln.bias": hostTensor([2], floats(5, 6)),
  "wte.weight": hostTensor([3, 2], floats(1, 2, 3, 4, 0, 0)),
};

it("takes names with and without prefix, from a file or a folder", async () => {
  const prefixed = Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`transformer.${name}`, tensor]));
  const folder = await newFolder();
  const loader = new ModelLoader();
  expect(await loader.load(await fileOf(weights), parameters)).toEqual(expected);
  expect(await loader.load(await fileOf(prefixed, folder), parameters)).toEqual(expected);
  expect(await loader.load(folder, parameters)).toEqual(expected);
  const bare = parameters.map((spec) =>
    parameter(spec.name, spec.shape, { name: spec.name, shape: spec.external!.shape ?? spec.shape }),
  );
  expect(await loader.load(folder, bare)).toEqual(expected);
});

it("turns transposed weights and takes integers and masks", async () => {
  const path = await fileOf({
    w: hostTensor([2, 3], floats(1, 2, 3, 4, 5, 6)),
    n: hostTensor([1], Int32Array.of(9)),
    m: hostTensor([1], Uint8Array.of(1)),
  });
  const specs = [
    parameter("w", [3, 2], { name: "w", transposed: true }),
    parameter("n", [1], undefined, "int32"),
    parameter("m", [1], undefined, "bool"),
  ];
  expect(await new ModelLoader().load(path, specs)).toEqual({
    w: hostTensor([3, 2], floats(1, 4, 2, 5, 3, 6)),
    n: hostTensor([1], Int32Array.of(9)),
    m: hostTensor([1], Uint8Array.of(1)),
  });
});

it("passes over causal masks and a head that is the token embedding", async () => {
  const path = await fileOf({
    ...weights,
    "h.0.attn.bias": hostTensor([1, 1], Uint8Array.of(1)),
    "transformer.h.0.attn.masked_bias": hostTensor([], floats(-10000)),
    "lm_head.weight": weights["wte.weight"],
  });
  expect(await new ModelLoader().load(path, parameters)).toEqual(expected);
});

it("does not lose a head of its own", async () => {
  const other = hostTensor([2, 2], floats(9, 9, 9, 9));
  const longer = hostTensor([3, 2], floats(9, 9, 9, 9, 9, 9));
  for (const head of [other, longer]) {
    const path = await fileOf({ ...weights, "lm_head.weight": head });
    await expect(new ModelLoader().load(path, parameters)).rejects.toThrow("got lm_head.weight F32");
  }
  const alone = await fileOf({ "ln.bias": weights["ln.bias"], "lm_head.weight": other });
  await expect(new ModelLoader().load(alone, parameters.slice(0, 1))).rejects.toThrow("got lm_head.weight F32");
});

it("lists everything that does not fit in one error", async () => {
  const path = await fileOf({
    "wte.weight": hostTensor([3, 2], new Float32Array(6)),
    "h.0.extra": hostTensor([1], Int32Array.of(1)),
    count: hostTensor([1], Int32Array.of(1)),
  });
  const error: unknown = await new ModelLoader()
    .load(path, [...parameters, parameter("count", [1])])
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "weights-mismatch" });
  const message = messageOf(error);
  expect(message).toContain("in 4 places");
  expect(message).toContain("expected transformer.ln.bias float32 [2], got no such tensor");
  expect(message).toContain("expected wte.weight float32 [2, 2], got F32 [3, 2]");
  expect(message).toContain("expected count float32 [1], got I32 [1]");
  expect(message).toContain("expected no further tensor, got h.0.extra I32 [1]");
  expect(message).toContain(path);
});

it("takes a checkpoint of ours after comparing it with its hash", async () => {
  const { location } = await new ModelCheckpointer({ folder: await newFolder() }).save(snapshotAt(3), metadataAt(3));
  const loader = new ModelLoader();
  expect((await loader.load(location, parameters))["ln.bias"]!.data).toEqual(floats(3, 3));
  await writeFile(join(location, "model.safetensors"), "");
  await expect(loader.load(location, parameters)).rejects.toMatchObject({ code: "checkpoint-damaged" });
  await writeFile(join(location, "manifest.json"), '{ "formatVersion": 9 }');
  await expect(loader.load(location, parameters)).rejects.toMatchObject({ code: "checkpoint-newer" });
});

it("says what it can load where nothing is", async () => {
  const folder = await newFolder();
  await writeFile(join(folder, "file"), "");
  await mkdir(join(folder, "odd/model.safetensors"), { recursive: true });
  for (const path of [folder, join(folder, "none"), join(folder, "file/none"), join(folder, "odd")]) {
    await expect(new ModelLoader().load(path, parameters)).rejects.toMatchObject({ code: "weights-missing" });
  }
});
