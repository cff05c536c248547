// Compiles GPT-2 124M's training step for an H100 on a machine without one, and prints what memory XLA plans:
//   pip download --no-deps -d wheels jax-cuda13-pjrt nvidia-cuda-nvcc nvidia-nvvm nvidia-cublas nvidia-cudnn-cu13==9.26.1.1
//   for wheel in wheels/*.whl; do unzip -qo "$wheel" -d site; done
//   node --conditions=@pipe/source bench/gpu/compile-h100.ts --site site [--rows 8] [--devices 1] [--fsdp] [--precision bf16] [--plain]
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compileAhead, lower } from "@pipe/engine-xla";
import { trace } from "@pipe/graph";
import { capturedStep } from "./captured-step.ts";
import { h100 } from "./h100.ts";

const { values } = parseArgs({
  options: {
    site: { type: "string", default: "site" },
    rows: { type: "string", default: "8" },
    positions: { type: "string", default: "1024" },
    layers: { type: "string", default: "12" },
    devices: { type: "string", default: "1" },
    fsdp: { type: "boolean", default: false },
    precision: { type: "string", default: "bf16" },
    plain: { type: "boolean", default: false },
    text: { type: "string" },
  },
});
const site = resolve(values.site);
const plugin = join(site, "jax_plugins/xla_cuda13/xla_cuda_plugin.so");
const [cuda, cudnn, stub] = [join(site, "nvidia/cu13"), join(site, "nvidia/cudnn/lib"), join(site, "stub")];

if (process.env["PIPE_H100_CHILD"] === undefined) {
  if (!existsSync(plugin)) {
    console.error(`${plugin} is not there; the head of this file says how to get it`);
    process.exit(1);
  }
  // Files out of a wheel have lost their permission to run.
  for (const folder of [join(cuda, "bin"), join(cuda, "nvvm/bin")]) {
    for (const file of existsSync(folder) ? readdirSync(folder) : []) chmodSync(join(folder, file), 0o755);
  }
  mkdirSync(stub, { recursive: true });
  if (!existsSync(join(stub, "libcuda.so.1"))) {
    const { status } = spawnSync("sh", [join(import.meta.dirname, "stub_cuda.sh"), plugin, stub], { stdio: "inherit" });
    if (status !== 0) process.exit(1);
  }
  // Libraries are found when a process starts.
  const env = {
    ...process.env,
    PIPE_H100_CHILD: "1",
    LD_LIBRARY_PATH: [join(cuda, "lib"), cudnn, stub, process.env["LD_LIBRARY_PATH"] ?? ""].join(":"),
    XLA_FLAGS: `--xla_gpu_cuda_data_dir=${cuda}`,
    TF_CPP_MIN_LOG_LEVEL: process.env["TF_CPP_MIN_LOG_LEVEL"] ?? "2",
  };
  const { status, signal } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env,
    stdio: "inherit",
  });
  if (signal !== null) console.error(`ended by ${signal}`);
  process.exit(status ?? 1);
}

const devices = Number(values.devices);
const mesh = { data: devices, fsdp: values.fsdp };
const size = {
  vocabulary: 50304,
  positions: Number(values.positions),
  width: 768,
  heads: 12,
  layers: Number(values.layers),
  rows: Number(values.rows) * devices,
};
const { program, specs, options } = await capturedStep(size);
const isUnder =
  (prefixes: readonly string[] = []) =>
  (path: string) =>
    prefixes.some((each) => path.startsWith(each));
const lowered = lower(trace(program, specs), {
  isDonated: isUnder(options.donate),
  isBatch: isUnder(options.batch),
  precision: values.precision as "bf16",
  platform: values.plain ? "cpu" : "cuda",
  mesh,
});
if (values.text !== undefined) writeFileSync(values.text, lowered.text);
const report = await compileAhead(lowered, {
  plugin,
  target: { target_config: h100, topology: `1x1x${devices}` },
  devices,
  flags: {
    xla_gpu_autotune_level: 0,
    ...(devices > 1 ? { xla_enable_hlo_sharding_v3: false } : {}),
    xla_gpu_cudnn_deviceless_compilation_mode: "CUDNN_DEVICELESS_COMPILATION_ALWAYS",
  },
});
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
const attention = lowered.report.ops["causalAttention"]?.lowering === "native" ? "fused" : "plain";
console.log(
  [
    `GPT-2 ${size.layers} layers, ${size.rows} rows of ${size.positions}, ${values.precision}, ${attention} attention, ${devices} × H100${values.fsdp ? ", fsdp" : ""}:`,
    `compiled in ${(report.compileMs / 1000).toFixed(1)} s, planned peak ${gigabytes(report.peakBytes)} a device`,
    `(arguments ${gigabytes(report.argumentBytes)}, temporary ${gigabytes(report.temporaryBytes)})`,
  ].join(" "),
);
console.log(JSON.stringify({ ...size, devices, precision: values.precision, attention, ...report }));
process.exit(0);
