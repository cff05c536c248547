/** Selects a column of passages' text whole: the `node:sqlite` of Node 22 ends a text at its first NUL. */
export function wholeText(column: "context" | "text"): string {
  return `CAST(${column} AS BLOB) AS ${column}`;
}

/** The text of such a column. */
export function textOf(value: unknown): string {
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString();
}
