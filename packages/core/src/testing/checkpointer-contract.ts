import type { CheckpointMetadata, ICheckpointer } from "../interfaces/checkpointer.ts";
import type { ISnapshot, SnapshotTensor } from "../interfaces/engine.ts";
import type { ParameterSpec } from "../interfaces/model.ts";
import type { HostTensor } from "../interfaces/tensors.ts";
import { bytesOf, hostTensor } from "../tensor-spec.ts";
import type { TestFramework } from "./framework.ts";
import { codeOf } from "./rejection.ts";

/**
 * Registers what every {@link ICheckpointer} must do.
 *
 * @param make an empty store each time.
 */
export function checkpointerContract(
  make: () => ICheckpointer | Promise<ICheckpointer>,
  { describe, it, expect }: TestFramework,
): void {
  describe("ICheckpointer", () => {
    it("says so when nothing is stored", async () => {
      const checkpointer = await make();
      expect(await checkpointer.list()).toEqual([]);
      expect(await codeOf(() => checkpointer.load())).toBe("checkpoint-missing");
    });

    it("gives back tensors and metadata as they were saved, also when they are read twice", async () => {
      const checkpointer = await make();
      const ref = await checkpointer.save(snapshotAt(3), metadataAt(3));
      expect(ref.step).toBe(3);
      const { metadata, tensors } = await checkpointer.load(ref);
      expect(metadata).toEqual(metadataAt(3));
      const expected = await all(snapshotAt(3).tensors());
      expect(await all(tensors())).toEqual(expected);
      expect(await all(tensors())).toEqual(expected);
    });

    it("lists by step and loads the newest by default", async () => {
      const checkpointer = await make();
      for (const step of [20, 3, 100]) await checkpointer.save(snapshotAt(step), metadataAt(step));
      expect((await checkpointer.list()).map(({ step }) => step)).toEqual([3, 20, 100]);
      const { metadata, tensors } = await checkpointer.load();
      expect(metadata.state.step).toBe(100);
      expect(await all(tensors())).toEqual(await all(snapshotAt(100).tensors()));
    });

    it("replaces a checkpoint of the same step", async () => {
      const checkpointer = await make();
      await checkpointer.save(snapshotAt(5), metadataAt(5));
      const ref = await checkpointer.save(snapshotAt(7), { ...metadataAt(5), files: {} });
      expect((await checkpointer.list()).map(({ step }) => step)).toEqual([5]);
      const { metadata, tensors } = await checkpointer.load(ref);
      expect(metadata.files).toEqual({});
      expect(await all(tensors())).toEqual(await all(snapshotAt(7).tensors()));
    });

    it("keeps saves apart that are asked for at the same time", async () => {
      const checkpointer = await make();
      await Promise.all([1, 2, 2].map(async (step) => checkpointer.save(snapshotAt(step), metadataAt(step))));
      const refs = await checkpointer.list();
      expect(refs.map(({ step }) => step)).toEqual([1, 2]);
      for (const ref of refs) expect(await checkpointer.verify(ref)).toEqual({ ok: true, problems: [] });
    });

    it("removes one and keeps the others", async () => {
      const checkpointer = await make();
      const first = await checkpointer.save(snapshotAt(1), metadataAt(1));
      await checkpointer.save(snapshotAt(2), metadataAt(2));
      await checkpointer.remove(first);
      expect((await checkpointer.list()).map(({ step }) => step)).toEqual([2]);
      expect(await codeOf(() => checkpointer.load(first))).toBe("checkpoint-missing");
      expect(await codeOf(() => checkpointer.remove(first))).toBe("checkpoint-missing");
      expect((await checkpointer.verify(first)).ok).toBe(false);
    });

    it("leaves what is stored as it was when a save fails", async () => {
      const checkpointer = await make();
      await checkpointer.save(snapshotAt(1), metadataAt(1));
      const broken: ISnapshot = {
        ...snapshotAt(1),
        async *tensors() {
          for await (const tensor of snapshotAt(1).tensors()) {
            if (tensor.path.startsWith("slots/")) throw new Error("the device is gone");
            yield tensor;
          }
        },
      };
      for (const step of [1, 2]) {
        expect(await codeOf(() => checkpointer.save(broken, metadataAt(step)))).toBe("checkpoint-failed");
      }
      expect((await checkpointer.list()).map(({ step }) => step)).toEqual([1]);
      expect(await all((await checkpointer.load()).tensors())).toEqual(await all(snapshotAt(1).tensors()));
      expect((await checkpointer.save(snapshotAt(2), metadataAt(2))).step).toBe(2);
    });

    it("refuses a state that JSON would change in silence", async () => {
      const checkpointer = await make();
      const metadata = { ...metadataAt(1), state: { step: 1, best: Infinity } };
      expect(await codeOf(() => checkpointer.save(snapshotAt(1), metadata))).toBe("checkpoint-failed");
      expect(await checkpointer.list()).toEqual([]);
    });
  });
}

const parameters: readonly ParameterSpec[] = [
  parameter("wte.weight", [4, 3], { name: "transformer.wte.weight", shape: [3, 3] }),
  parameter("ln.bias", [3]),
  parameter("head.weight", [3, 2], { name: "head", transposed: true }),
];

function parameter(name: string, shape: readonly number[], external?: ParameterSpec["external"]): ParameterSpec {
  const init = { kind: "normal", deviation: 0.02 } as const;
  const spec = { name, shape, dtype: "float32", init, decay: shape.length > 1, trainable: true } as const;
  return external === undefined ? spec : { ...spec, external };
}

function metadataAt(step: number): CheckpointMetadata {
  const state = { step, cursor: { sample: step * 8 }, best: null, π: ["ü", true, 0.1] };
  return { parameters, files: { "config.json": '{ "a": "é" }\n', "blob.bin": Uint8Array.of(0, 255, 10) }, state };
}

/** A state whose values depend on the step; the padded row of `wte.weight` is zero, as a model keeps it. */
function snapshotAt(step: number): ISnapshot {
  const floats = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => step + seed + i / 7);
  const tensors: [string, HostTensor][] = [
    ["params/head.weight", hostTensor([3, 2], floats(6, 1))],
    ["params/ln.bias", hostTensor([3], Float32Array.of(NaN, -0, Infinity))],
    ["params/wte.weight", hostTensor([4, 3], Float32Array.of(...floats(9, 2), 0, 0, 0))],
    ["scalars/applied", hostTensor([], Int32Array.of(step))],
    ["scalars/done", hostTensor([1], Uint8Array.of(1))],
    ["slots/m/ln.bias", hostTensor([3], floats(3, 3))],
  ];
  return {
    specs: new Map(tensors.map(([path, { spec }]) => [path, spec])),
    async *tensors() {
      for (const [path, { spec, data }] of tensors) yield { path, spec, bytes: bytesOf(data) };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function all(tensors: AsyncIterable<SnapshotTensor>) {
  const list: unknown[] = [];
  for await (const { path, spec, bytes } of tensors) list.push({ path, spec, bytes: [...bytes] });
  return list;
}
