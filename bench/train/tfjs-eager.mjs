// The same GPT and AdamW as a user of tfjs would write it, eagerly on a backend: prints step times in ms as JSON.
// node tfjs-eager.mjs wasm <folder with node_modules> <size as JSON>
// node tfjs-eager.mjs node <folder of @tensorflow/tfjs-node> <size as JSON>
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [backend, folder, size] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
// tfjs-node 4.22 calls a function that Node 23 removed.
require("node:util").isNullOrUndefined ??= (value) => value === null || value === undefined;
const tf = require("@tensorflow/tfjs");
if (backend === "node") require(folder);
else await startWasm();

async function startWasm() {
  const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"))}/dist/`);
  await tf.setBackend("wasm");
  // wasm lacks the kernel that the gradient of a lookup needs.
  tf.registerKernel({
    kernelName: "UnsortedSegmentSum",
    backendName: "wasm",
    kernelFunc: ({ inputs: { x, segmentIds }, backend, attrs: { numSegments } }) => {
      const width = x.shape.slice(segmentIds.shape.length).reduce((a, b) => a * b, 1);
      const output = backend.makeOutput([numSegments, ...x.shape.slice(segmentIds.shape.length)], "float32");
      const [values, ids, sums] = [
        backend.readSync(x.dataId),
        backend.readSync(segmentIds.dataId),
        backend.typedArrayFromHeap(output),
      ];
      sums.fill(0);
      ids.forEach((id, row) => {
        for (let j = 0; j < width; j++) sums[id * width + j] += values[row * width + j];
      });
      return output;
    },
  });
}

const { vocabulary, positions, width, heads, layers, rows, steps } = JSON.parse(size);
const weights = {};
const add = (name, shape, make) => (weights[name] = tf.variable(make(shape)));
const normal = (shape) => tf.randomNormal(shape, 0, 0.02);
add("wte", [vocabulary, width], normal);
add("wpe", [positions, width], normal);
for (let i = 0; i < layers; i++) {
  for (const norm of ["ln1", "ln2"]) {
    add(`${i}.${norm}.g`, [width], tf.ones);
    add(`${i}.${norm}.b`, [width], tf.zeros);
  }
  for (const [name, a, b] of [
    ["qkv", width, 3 * width],
    ["out", width, width],
    ["up", width, 4 * width],
    ["down", 4 * width, width],
  ]) {
    add(`${i}.${name}.w`, [a, b], normal);
    add(`${i}.${name}.b`, [b], tf.zeros);
  }
}
add("ln.g", [width], tf.ones);
add("ln.b", [width], tf.zeros);

const norm = (x, name) => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5));
  return tf.add(tf.mul(tf.mul(centred, inverse), weights[`${name}.g`]), weights[`${name}.b`]);
};
const linear = (x, name) => tf.add(tf.matMul(x, weights[`${name}.w`]), weights[`${name}.b`]);
const gelu = (x) =>
  tf.mul(
    tf.mul(x, 0.5),
    tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x))))))),
  );
const mask = tf.tensor2d(
  Float32Array.from({ length: positions * positions }, (_, k) =>
    k % positions > Math.floor(k / positions) ? -1e9 : 0,
  ),
  [positions, positions],
);
const lossOf = (ids, targets) => {
  let x = tf.reshape(tf.add(tf.gather(weights.wte, ids), weights.wpe), [-1, width]);
  for (let i = 0; i < layers; i++) {
    const split = (t) => tf.transpose(tf.reshape(t, [rows, positions, heads, width / heads]), [0, 2, 1, 3]);
    const [q, k, v] = tf.split(linear(norm(x, `${i}.ln1`), `${i}.qkv`), 3, -1).map(split);
    const p = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), Math.sqrt(heads / width)), mask));
    x = tf.add(x, linear(tf.reshape(tf.transpose(tf.matMul(p, v), [0, 2, 1, 3]), [-1, width]), `${i}.out`));
    x = tf.add(x, linear(gelu(linear(norm(x, `${i}.ln2`), `${i}.up`)), `${i}.down`));
  }
  const logits = tf.matMul(norm(x, "ln"), weights.wte, false, true);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.reshape(targets, [-1]), vocabulary)), -1)));
};

const names = Object.keys(weights);
const [m, v] = [0, 1].map(() =>
  Object.fromEntries(names.map((name) => [name, tf.variable(tf.zerosLike(weights[name]))])),
);
const tokens = () =>
  tf.tensor2d(
    Int32Array.from({ length: rows * positions }, () => Math.random() * vocabulary),
    [rows, positions],
    "int32",
  );
const times = [];
for (let step = 1; step <= steps; step++) {
  const begin = performance.now();
  const loss = tf.tidy(() => {
    const list = names.map((name) => weights[name]);
    const { value, grads } = tf.variableGrads(() => lossOf(tokens(), tokens()), list);
    const total = tf.sqrt(tf.addN(list.map((w) => tf.sum(tf.square(grads[w.name])))));
    const scale = tf.minimum(1, tf.div(1, tf.add(total, 1e-6)));
    names.forEach((name) => {
      const gradient = tf.mul(grads[weights[name].name], scale);
      m[name].assign(tf.add(tf.mul(m[name], 0.9), tf.mul(gradient, 0.1)));
      v[name].assign(tf.add(tf.mul(v[name], 0.95), tf.mul(tf.square(gradient), 0.05)));
      const update = tf.div(tf.div(m[name], 1 - 0.9 ** step), tf.add(tf.sqrt(tf.div(v[name], 1 - 0.95 ** step)), 1e-8));
      const decayed = weights[name].rank > 1 ? tf.mul(weights[name], 1 - 6e-5) : weights[name];
      weights[name].assign(tf.sub(decayed, tf.mul(update, 6e-4)));
    });
    return value;
  });
  await loss.data();
  loss.dispose();
  times.push(performance.now() - begin);
}
console.log(JSON.stringify({ times, memory: process.resourceUsage().maxRSS / 1024 }));
