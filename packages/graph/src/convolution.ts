import { PipeError } from "@pipe/core";
import { at } from "./recorder.ts";
import { sourceLine } from "./source-line.ts";
import * as tf from "./tf.ts";

type Info = ReturnType<typeof tf.backend_util.computeConv2DInfo>;
type Inputs = { readonly [name: string]: tf.TensorInfo };
type Raw = { readonly [name: string]: unknown };

/**
 * Convolutions and poolings in two dimensions with their gradients, as tfjs kernels that record plain ops only: an engine
 * needs nothing for them. A convolution is one matrix product over patches (im2col); places of a window that lie outside
 * are padding. Images are NHWC, as tfjs has them.
 */
export const convolutionKernels: readonly (readonly [string, tf.KernelFunc])[] = [
  ["Conv2D", expanded(({ x, filter }, raw) => convolve(x!, filter!, convolutionOf(x!.shape, filter!.shape, raw)))],
  [
    "Conv2DBackpropFilter",
    expanded(({ x, dy }, raw) => {
      const shape = raw["filterShape"] as number[];
      const info = convolutionOf(x!.shape, shape, raw);
      const product = tf.matMul(patches(x!, info), rows(dy!), true, false);
      return tf.reshape(product, shape);
    }),
  ],
  [
    "Conv2DBackpropInput",
    expanded(({ dy, filter }, raw) => {
      const shape = raw["inputShape"] as number[];
      const info = convolutionOf(shape, filter!.shape, raw);
      const { filterHeight, filterWidth, outChannels, batchSize, outHeight, outWidth } = info;
      const windows = tf.matMul(rows(dy!), tf.reshape(filter!, [-1, outChannels]), false, true);
      const parts = tf.split(tf.reshape(windows, [batchSize, outHeight, outWidth, -1]), filterHeight * filterWidth, 3);
      return gathered(parts, info);
    }),
  ],
  [
    "MaxPool",
    expanded(({ x }, raw) => {
      const info = poolingOf(x!.shape, raw);
      return windowsOf(x!, info, -Infinity).reduce((most, each) => tf.maximum(most, each));
    }),
  ],
  [
    "MaxPoolGrad",
    expanded(({ dy, input, output }, raw) => {
      const info = poolingOf(input!.shape, raw);
      // The first of equal values gets the gradient.
      let isFree: tf.Tensor = tf.onesLike(output!);
      const parts = windowsOf(input!, info, -Infinity).map((each) => {
        const isMost = tf.mul(tf.cast(tf.equal(each, output!), "float32"), isFree);
        isFree = tf.sub(isFree, isMost);
        return tf.mul(dy!, isMost);
      });
      return gathered(parts, info);
    }),
  ],
  [
    "AvgPool",
    expanded(({ x }, raw) => {
      const info = poolingOf(x!.shape, raw);
      const sum = windowsOf(x!, info, 0).reduce((total, each) => tf.add(total, each));
      return tf.div(sum, counts(info));
    }),
  ],
  [
    "AvgPoolGrad",
    expanded(({ dy, input }, raw) => {
      const info = poolingOf(input!.shape, raw);
      const share = tf.div(dy!, counts(info));
      return gathered(
        places(info).map(() => share),
        info,
      );
    }),
  ],
];

/** A kernel that is written in other ops of tfjs, which are recorded. */
function expanded(body: (inputs: { readonly [name: string]: tf.Tensor }, raw: Raw) => tf.Tensor): tf.KernelFunc {
  return ({ inputs, attrs }) => {
    const tensors = Object.entries(inputs as unknown as Inputs).map(
      ([name, info]) => [name, tf.engine().makeTensorFromTensorInfo(info)] as const,
    );
    return body(Object.fromEntries(tensors), (attrs ?? {}) as Raw);
  };
}

function convolutionOf(input: readonly number[], filter: readonly number[], raw: Raw): Info {
  if ((raw["dataFormat"] ?? "NHWC") !== "NHWC") {
    throw new PipeError("unsupported-op", "A convolution over images with their channels first cannot be traced.", {
      expected: 'dataFormat "NHWC"',
      ...at(sourceLine()),
      fix: "transpose(image, [0, 2, 3, 1])",
    });
  }
  return tf.backend_util.computeConv2DInfo(
    input as [number, number, number, number],
    filter as [number, number, number, number],
    raw["strides"] as number,
    (raw["dilations"] ?? 1) as number,
    raw["pad"] as "same",
    raw["dimRoundingMode"] as "floor",
  );
}

function poolingOf(input: readonly number[], raw: Raw): Info {
  return tf.backend_util.computePool2DInfo(
    input as [number, number, number, number],
    raw["filterSize"] as number,
    raw["strides"] as number,
    1,
    raw["pad"] as "same",
    raw["dimRoundingMode"] as "floor",
  );
}

/** Offsets inside a window, row by row. */
function places({ filterHeight, filterWidth }: Info): readonly (readonly [number, number])[] {
  return Array.from({ length: filterHeight * filterWidth }, (_, place) => [
    Math.floor(place / filterWidth),
    place % filterWidth,
  ]);
}

/** Height and width of the padded image: as far as windows reach, and at least the whole image. */
function paddedSizes({ padInfo, inHeight, inWidth, ...info }: Info): readonly [number, number] {
  const reach = (count: number, stride: number, size: number): number => (count - 1) * stride + size;
  return [
    Math.max(padInfo.top + inHeight, reach(info.outHeight, info.strideHeight, info.effectiveFilterHeight)),
    Math.max(padInfo.left + inWidth, reach(info.outWidth, info.strideWidth, info.effectiveFilterWidth)),
  ];
}

/** For each place in a window, the values that all windows have there: [B, OH, OW, C]. */
function windowsOf(x: tf.Tensor, info: Info, padding: number): readonly tf.Tensor[] {
  const { padInfo, inHeight, inWidth, outHeight, outWidth } = info;
  const [height, width] = paddedSizes(info);
  const around: [number, number][] = [
    [0, 0],
    [padInfo.top, height - padInfo.top - inHeight],
    [padInfo.left, width - padInfo.left - inWidth],
    [0, 0],
  ];
  const padded = around.every(([before, after]) => before === 0 && after === 0) ? x : tf.pad(x, around, padding);
  return places(info).map(([i, j]) => {
    const inRows = every(padded, 1, i * info.dilationHeight, outHeight, info.strideHeight);
    return every(inRows, 2, j * info.dilationWidth, outWidth, info.strideWidth);
  });
}

/** `count` elements along an axis, from one on, so far apart. */
function every(x: tf.Tensor, axis: number, begin: number, count: number, stride: number): tf.Tensor {
  if (stride === 1) {
    const offsets = x.shape.map((_, i) => (i === axis ? begin : 0));
    return tf.slice(
      x,
      offsets,
      x.shape.map((size, i) => (i === axis ? count : size)),
    );
  }
  const indices = Array.from({ length: count }, (_, i) => begin + i * stride);
  return tf.gather(x, tf.tensor1d(indices, "int32"), axis);
}

/** All windows as rows: [B · OH · OW, places · C]. */
function patches(x: tf.Tensor, info: Info): tf.Tensor {
  const windows = windowsOf(x, info, 0);
  return tf.reshape(windows.length === 1 ? windows[0]! : tf.concat([...windows], 3), [
    -1,
    windows.length * info.inChannels,
  ]);
}

function rows(x: tf.Tensor): tf.Tensor {
  return tf.reshape(x, [-1, x.shape[3]!]);
}

function convolve(x: tf.Tensor, filter: tf.Tensor, info: Info): tf.Tensor {
  const product = tf.matMul(patches(x, info), tf.reshape(filter, [-1, info.outChannels]));
  return tf.reshape(product, info.outShape);
}

/** Adds up what each place of the windows gives to the image: the inverse of {@link windowsOf} for gradients. */
function gathered(parts: readonly tf.Tensor[], info: Info): tf.Tensor {
  const { padInfo, inHeight, inWidth } = info;
  const [height, width] = paddedSizes(info);
  const each = places(info).map(([i, j], place) => {
    const tall = spread(parts[place]!, 1, i * info.dilationHeight, info.strideHeight, height);
    return spread(tall, 2, j * info.dilationWidth, info.strideWidth, width);
  });
  const padded = each.reduce((sum, part) => tf.add(sum, part));
  const [batch, , , channels] = padded.shape as [number, number, number, number];
  return tf.slice(padded, [0, padInfo.top, padInfo.left, 0], [batch, inHeight, inWidth, channels]);
}

/** Elements along an axis of a larger array of zeros, from `begin` on, `stride` apart. */
function spread(x: tf.Tensor, axis: number, begin: number, stride: number, size: number): tf.Tensor {
  const count = x.shape[axis]!;
  const [outer, inner] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  let flat: tf.Tensor = tf.reshape(x, [product(outer), count, product(inner)]);
  if (stride > 1) {
    const apart = tf.reshape(flat, [product(outer), count, 1, product(inner)]);
    const zeros: [number, number][] = [
      [0, 0],
      [0, 0],
      [0, stride - 1],
      [0, 0],
    ];
    flat = tf.reshape(tf.pad(apart, zeros), [product(outer), count * stride, product(inner)]);
    flat = tf.slice(flat, [0, 0, 0], [product(outer), (count - 1) * stride + 1, product(inner)]);
  }
  const length = flat.shape[1]!;
  const placed = tf.pad(flat, [
    [0, 0],
    [begin, size - begin - length],
    [0, 0],
  ]);
  return tf.reshape(placed, [...outer, size, ...inner]);
}

/** How many places of each window lie inside the image: [1, OH, OW, 1]. */
function counts(info: Info): tf.Tensor {
  const { padInfo, inHeight, inWidth, outHeight, outWidth } = info;
  const along = (count: number, stride: number, reach: number, before: number, size: number): number[] =>
    Array.from({ length: count }, (_, i) => {
      const begin = i * stride - before;
      return Math.max(0, Math.min(begin + reach, size) - Math.max(begin, 0));
    });
  const tall = along(outHeight, info.strideHeight, info.effectiveFilterHeight, padInfo.top, inHeight);
  const wide = along(outWidth, info.strideWidth, info.effectiveFilterWidth, padInfo.left, inWidth);
  return tf.tensor4d(
    tall.flatMap((h) => wide.map((w) => h * w)),
    [1, outHeight, outWidth, 1],
  );
}
