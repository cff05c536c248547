/** The lower factor L with L·Lᵀ = A of a positive definite matrix, row by row; only A's lower triangle is read. */
export function choleskyOf(matrix: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) rest -= factor[i * size + k]! * factor[j * size + k]!;
      factor[i * size + j] = i === j ? Math.sqrt(rest) : rest / factor[j * size + j]!;
    }
  }
  return factor;
}

/** The x with L·x = b of a lower factor. */
export function solveLower(factor: Float64Array, values: Float64Array): Float64Array {
  const size = values.length;
  const solved = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let rest = values[i]!;
    for (let k = 0; k < i; k++) rest -= factor[i * size + k]! * solved[k]!;
    solved[i] = rest / factor[i * size + i]!;
  }
  return solved;
}
