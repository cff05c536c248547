/** Characters of a piece. */
const pieceSize = 1 << 16;

/** Cuts a long text between a letter and a space, where every GPT encoding ends a word whatever stands further on. */
export function* pieces(text: string): Generator<string> {
  const boundary = /[a-z](?= )/g;
  let begin = 0;
  while (text.length - begin > pieceSize) {
    boundary.lastIndex = begin + pieceSize;
    if (boundary.exec(text) === null) break;
    yield text.slice(begin, boundary.lastIndex);
    begin = boundary.lastIndex;
  }
  yield begin === 0 ? text : text.slice(begin);
}
