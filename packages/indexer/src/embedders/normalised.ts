/** A vector of length 1 in the same direction; of zeros where there is none. */
export function normalised(values: ArrayLike<number>): Float32Array {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  const length = Math.sqrt(squares);
  return Float32Array.from(values, (value) => (length === 0 ? 0 : value / length));
}
