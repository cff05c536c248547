import { copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesOf, hostTensor, messageOf, type HostTensor } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { ModelCheckpointer } from "./model-checkpointer.ts";
import { ModelLoader, type SkippedWeights } from "./model-loader.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import { writeWeights } from "./weights-writer.ts";
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

it("takes what fits where it need not be strict, and says what it left out", async () => {
  const path = await fileOf({
    "wte.weight": hostTensor([3, 2], new Float32Array(6)),
    "ln.bias": hostTensor([2], floats(5, 6)),
    "h.0.extra": hostTensor([1], Int32Array.of(1)),
  });
  const skipped: SkippedWeights[] = [];
  const specs = [...parameters, parameter("count", [1])];
  const loader = new ModelLoader();
  const tensors = await loader.load(path, specs, { strict: false, skipped: (each) => skipped.push(each) });
  expect(tensors).toEqual({ "ln.bias": expected["ln.bias"] });
  expect(skipped).toEqual([{ initial: ["wte.weight", "count"], unused: ["h.0.extra"] }]);
  expect(await loader.load(path, specs, { strict: false })).toEqual(tensors);
});

it("writes what it reads", async () => {
  const path = join(await newFolder(), "weights.safetensors");
  const turned = parameter("w", [3, 2], { name: "w", transposed: true });
  const values = { ...expected, w: hostTensor([3, 2], floats(1, 4, 2, 5, 3, 6)) };
  const { size } = await writeWeights(path, [...parameters, turned], values);
  expect((await stat(path)).size).toBe(size);
  expect(await new ModelLoader().load(path, [...parameters, turned])).toEqual(values);
});

describe("weights in several files", () => {
  const split = async (index: unknown): Promise<string> => {
    const folder = await newFolder();
    for (const [i, name] of ["ln.bias", "wte.weight"].entries()) {
      const from = await fileOf({ [`transformer.${name}`]: weights[name as keyof typeof weights] });
      await rename(from, join(folder, `model-${i + 1}-of-2.safetensors`));
    }
    const text = typeof index === "string" ? index : JSON.stringify({ weight_map: index });
    await writeFile(join(folder, "model.safetensors.index.json"), text);
    return folder;
  };
  const files = ["model-1-of-2.safetensors", "model-2-of-2.safetensors"];

  it("are read as one", async () => {
    const folder = await split({ "transformer.ln.bias": files[0], "transformer.wte.weight": files[1] });
    expect(await new ModelLoader().load(folder, parameters)).toEqual(expected);
  });

  it.each([
    ["a file that is not there", { a: files[0], b: "gone.safetensors" }, "weights-missing", "no gone.safetensors"],
    ["no file", {}, "weights-missing", "names none"],
    ["a file elsewhere", { a: "../x.safetensors" }, "safetensors-damaged", "beside the index"],
    ["no map", "{}", "safetensors-damaged", "weight_map"],
    ["no JSON", "{", "safetensors-damaged", "weight_map"],
  ])("are refused where the index has %s", async (_, index, code, message) => {
    const error: unknown = await new ModelLoader()
      .load(await split(index), parameters)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(messageOf(error)).toContain(message);
  });

  it("are refused where two hold one name", async () => {
    const folder = await split({ a: files[0], b: files[1] });
    await rm(join(folder, files[1]!));
    await copyFile(join(folder, files[0]!), join(folder, files[1]!));
    await expect(new ModelLoader().load(folder, parameters)).rejects.toThrow(/transformer\.ln\.bias in two/);
  });
});

it("refuses pickles and says how to convert them", async () => {
  const folder = await newFolder();
  await writeFile(join(folder, "pytorch_model.bin"), "");
  for (const path of [folder, join(folder, "pytorch_model.bin")]) {
    const error: unknown = await new ModelLoader().load(path, parameters).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "weights-unsupported" });
    expect(messageOf(error)).toMatch(/got: pytorch_model\.bin[^]*save_pretrained/);
  }
});

it("says what it can load where nothing is", async () => {
  const folder = await newFolder();
  await writeFile(join(folder, "file"), "");
  await mkdir(join(folder, "odd/model.safetensors"), { recursive: true });
  for (const path of [folder, join(folder, "none"), join(folder, "file/none"), join(folder, "odd")]) {
    await expect(new ModelLoader().load(path, parameters)).rejects.toMatchObject({ code: "weights-missing" });
  }
});
