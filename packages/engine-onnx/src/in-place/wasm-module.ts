/** WebAssembly's value types that kernels use. */
export const TYPE = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;

/** A function of a module: its parameters, its further locals, its instructions without the final `end`. */
export type WasmFunction = {
  readonly parameters: readonly number[];
  readonly locals: readonly number[];
  readonly body: readonly number[];
};

/** Encodes a module that imports its memory as `host.memory` and exports its functions as "0", "1", … */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...vector(parameters.map((type) => [type])), 0]);
  const memory = [...text("host"), ...text("memory"), 0x02, 0x00, ...unsigned(1)];
  const exports = functions.map((_, i) => [...text(`${i}`), 0x00, ...unsigned(i)]);
  const codes = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((type) => [1, type])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(exports)),
    ...section(10, vector(codes)),
  ]);
}

/** LEB128 of a number that is not negative. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** The bytes of a float32, little-endian. */
export function float32(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}
