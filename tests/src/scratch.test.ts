import { readFileSync } from "node:fs";
import { it, expect } from "vitest";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, GradientProcessor, constantSchedule } from "@pipe/optim";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { TrainingStepProcessor } from "../../packages/train/src/training-step-processor.ts";
const D = new URL("../fixtures/parity/", import.meta.url);
const st = (f: string): any => {
  const b = readFileSync(new URL(f, D));
  const n = Number(b.readBigUInt64LE(0));
  const h = JSON.parse(b.subarray(8, 8 + n).toString());
  const o: any = {};
  for (const k in h)
    if (k !== "__metadata__") {
      const [s, e] = h[k].data_offsets;
      const c = new Uint8Array(b.subarray(8 + n + s, 8 + n + e));
      o[k.replace("transformer.", "")] = { shape: h[k].shape, data: new Float32Array(c.buffer) };
    }
  return o;
};
const J = JSON.parse(readFileSync(new URL("gpt2.json", D), "utf8"));
it("parity", async () => {
  const engine = await createOnnxEngine({ threads: 2 });
  const model = new GPT2Model({ vocabulary: 101, positions: 16, width: 32, layers: 2, heads: 2 });
  const init = st("gpt2-init.safetensors");
  console.log(Object.keys(init).length, model.parameters().length);
  const specs = Object.fromEntries(model.parameters().map((p) => [p.name, { shape: p.shape, dtype: p.dtype }]));
  const bs = {
    ids: { shape: [4, 16], dtype: "int32" },
    targets: { shape: [4, 16], dtype: "int32" },
    weights: { shape: [4, 16], dtype: "float32" },
  };
  const batch = (s: number) => ({
    ids: Int32Array.from(J.ids[s].flatMap((r: number[]) => r.slice(0, -1))),
    targets: Int32Array.from(J.ids[s].flatMap((r: number[]) => r.slice(1))),
    weights: new Float32Array(64).fill(1),
  });
  const names = Object.keys(specs);
  const g = await engine.compile(
    ({ params, batch, seed }: any) => {
      const r: any = {};
      const { value, grads } = tf.valueAndGrads((...v: tf.Tensor[]) => {
        const o = model.loss(
          Object.fromEntries(names.map((n, i) => [n, v[i]!])),
          batch,
          forwardContext({ training: true, seed }),
        );
        return tf.div(o.lossSum, o.weight) as any;
      })(names.map((n) => params[n]));
      names.forEach((n, i) => (r[n] = grads[i]));
      return {
        loss: value,
        grads: r,
        logits: model.forward(params, batch, forwardContext({ training: false, seed })).logits,
      };
    },
    { params: specs, batch: bs, seed: { shape: [2], dtype: "int32" } } as any,
  );
  console.log("compile ms", g.report.compileMs);
  const o: any = await g.run({
    params: Object.fromEntries(names.map((n) => [n, init[n].data])),
    batch: batch(0),
    seed: new Int32Array(2),
  } as any);
  console.log("loss", (await o.loss.read())[0] - J.loss0);
  const lg = st("gpt2-logits.safetensors").logits.data;
  const got = await o.logits.read();
  let mx = 0;
  got.forEach((x: number, i: number) => (mx = Math.max(mx, Math.abs(x - lg[i]))));
  console.log("logits", mx);
  const G = st("gpt2-grads.safetensors");
  let worst = 0;
  for (const n of names) {
    const a = await o.grads[n].read(),
      b = G[n].data;
    let d = 0,
      m = 0;
    a.forEach((x: number, i: number) => {
      d = Math.max(d, Math.abs(x - b[i]));
      m = Math.max(m, Math.abs(b[i]));
    });
    worst = Math.max(worst, d / m);
  }
  console.log("grads worst rel", worst);
  for (const run of ["clip", "noclip"]) {
    const p = await TrainingStepProcessor.create(
      {
        engine,
        model: model as any,
        optimizer: new AdamWOptimizer(model.parameters(), { weightDecay: 0.1 }),
        gradients: new GradientProcessor({ clip: J.runs[run].clip }),
        schedule: constantSchedule({ rate: 3e-3 }),
        batch: bs as any,
        seed: 1,
      },
      Object.fromEntries(names.map((n) => [n, { spec: specs[n] as any, data: init[n].data }])),
    );
    let dl = 0,
      dn = 0;
    for (let s = 0; s < 10; s++) {
      await p.run(batch(s));
      const f = (await p.drain())!;
      dl = Math.max(dl, Math.abs(f.loss - J.runs[run].losses[s]));
      dn = Math.max(dn, Math.abs(f.norm / J.runs[run].grad_norms[s] - 1));
    }
    const F = st(`gpt2-final-${run}.safetensors`);
    let w = 0,
      wn = "";
    for (const n of names) {
      const a = await p.state.params[n]!.read(),
        b = F[n].data;
      a.forEach((x: number, i: number) => {
        if (n.endsWith("c_attn.bias") && i >= 32 && i < 64) return;
        const d = Math.abs(x - b[i]);
        if (d > w) {
          w = d;
          wn = n;
        }
      });
    }
    console.log(run, "loss", dl, "norm", dn, "weights", w, wn);
  }
  await engine[Symbol.asyncDispose]();
});
