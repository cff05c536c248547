import { hostTensor, type HostTensor, type IEngine, type IModel, Random, sizeOf } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileModel } from "./compile-model.ts";
import { GPT2Model } from "./gpt2-model.ts";

const model = new GPT2Model({ vocabulary: 50, positions: 16, width: 16, heads: 2, layers: 2 });
let engine: IEngine;

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Parameters of deviation 0.02, gains of layer norms 1, by name. */
function initial(): { readonly [name: string]: HostTensor } {
  const random = new Random(3);
  return Object.fromEntries(
    model.parameters().map(({ name, shape }) => {
      const isGain = /ln_\w+\.weight$/.test(name);
      const data = Float32Array.from({ length: sizeOf(shape) }, () => (isGain ? 1 : 0.02 * random.normal()));
      return [name, hostTensor(shape, data)];
    }),
  );
}

describe("compileModel", () => {
  it("compiles what is asked for, and nothing else", async () => {
    const compiled = await compileModel(model, engine, { evaluate: { rows: 2, positions: 8 } });
    expect(Object.keys(compiled)).toEqual(["evaluate"]);
    const before = engine.memory().executables;
    await compiled[Symbol.asyncDispose]();
    expect(engine.memory().executables).toBe(before - 1);
  });

  it("measures, embeds and generates with one set of weights, and leaves nothing behind when it warms up", async () => {
    // Names hold dots, not slashes.
    const params = (await engine.put(initial())) as never;
    const { tensors } = engine.memory();
    const shapes = {
      evaluate: { rows: 2, positions: 8 },
      embed: { rows: 2, positions: 8 },
      prefill: { rows: 2, positions: 8 },
      decode: { rows: 2, positions: 8 },
    };
    const compiled = await compileModel(model, engine, shapes, { params });
    expect(engine.memory().tensors).toBe(tensors);
    const ids = Int32Array.from({ length: 16 }, (_, i) => (7 * i) % 50);
    const weights = Float32Array.from(ids, (_, i) => (i < 8 ? 1 : 0));

    const sums = await compiled.evaluate.run({ params, batch: { ids, targets: ids, weights } as never });
    expect([...(await sums.weight.read())]).toEqual([8]);
    // A fresh model knows nothing: about ln 50 nats a token.
    expect((await sums.lossSum.read())[0]! / 8).toBeCloseTo(Math.log(50), 0);

    const embedded = await compiled.embed.run({ params, ids, weights });
    const vectors = await embedded.sums.read();
    expect(vectors).toHaveLength(2 * 16);
    expect(Math.hypot(...vectors.subarray(0, 16))).toBeGreaterThan(1);
    // No token of the second row counts.
    expect(Math.hypot(...vectors.subarray(16))).toBe(0);

    // Six tokens read at once, and five and then one, say the same of the seventh.
    const whole = await compiled.prefill.run({ params, ids, lengths: Int32Array.of(6, 6) });
    const part = await compiled.prefill.run({ params, ids, lengths: Int32Array.of(5, 5) });
    const next = await compiled.decode.run({
      params,
      ids: Int32Array.of(ids[5]!, ids[13]!),
      positions: Int32Array.of(5, 5),
      cache: part.cache,
    });
    const [expected, got] = [await whole.logits.read(), await next.logits.read()];
    expect(got).toHaveLength(2 * 50);
    got.forEach((logit, i) => expect(logit).toBeCloseTo(expected[i]!, 4));
    await compiled[Symbol.asyncDispose]();
  });

  it("refuses to generate without a decoder, and frees what it had compiled", async () => {
    const { executables } = engine.memory();
    const without: IModel = {
      kind: "plain",
      config: () => ({}),
      parameters: () => model.parameters(),
      forward: (...given) => model.forward(...given),
      loss: (...given) => model.loss(...given),
    };
    const asked = { evaluate: { rows: 1, positions: 4 }, decode: { rows: 1, positions: 4 } };
    const missing = expect.objectContaining({ code: "decoder-missing" });
    await expect(compileModel(without, engine, asked)).rejects.toThrow(missing);
    const wrong = { evaluate: { rows: 1, positions: 4 }, embed: { rows: 1, positions: 99 } };
    await expect(compileModel(model, engine, wrong)).rejects.toThrow(/[99]/);
    expect(engine.memory().executables).toBe(executables);
  });
});
