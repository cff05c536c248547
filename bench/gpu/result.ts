/** One contender's run, as each prints it in one line of JSON. */
export type GpuRun = {
  readonly contender: string;
  readonly version: string;
  readonly device: string;
  readonly size: string;
  readonly rows: number;
  readonly positions: number;
  readonly precision: "fp32" | "bf16";
  /** Floating-point operations of a step: 6 per parameter and token, and attention's (Chowdhery et al., 2022, appendix B). */
  readonly flops: number;
  readonly compileMs: number;
  readonly peakBytes: number;
  readonly times: readonly number[];
  readonly losses: readonly number[];
};

/** A contender that did not run, and why. */
export type GpuAbsence = { readonly contender: string; readonly absent: string };

/** Dense peak of a device in FLOP/s, products of float32 in TF32, where it is known. */
const peaks: readonly { readonly device: RegExp; readonly bf16: number; readonly fp32: number }[] = [
  { device: /H100|H200/, bf16: 989e12, fp32: 494.7e12 },
  { device: /A100/, bf16: 312e12, fp32: 156e12 },
];

/** The share of a device's peak that a run reached, where the peak is known. */
export function utilisation({ device, precision, flops }: GpuRun, milliseconds: number): number | undefined {
  const peak = peaks.find((each) => each.device.test(device))?.[precision];
  return peak === undefined ? undefined : flops / (milliseconds / 1000) / peak;
}

/** FLOPs of one training step of a GPT with a tied head. */
export function stepFlops(
  size: { readonly vocabulary: number; readonly width: number; readonly layers: number; readonly positions: number },
  rows: number,
): number {
  const { vocabulary, width, layers, positions } = size;
  const parameters = vocabulary * width + layers * (12 * width * width + 13 * width) + 2 * width;
  return (6 * parameters + 12 * layers * width * positions) * rows * positions;
}
