import { pieces } from "./text-pieces.ts";

/** Something with text, such as a document. */
type WithText = { readonly text: string };

/** Turns texts into ids, some calls at a time. */
export type Encoders = {
  /** Calls that run at the same time. */
  readonly threads: number;
  encode(texts: readonly string[]): Promise<readonly Uint32Array[]>;
};

/** Characters that go to a thread at once: enough that sending them costs little, few enough that all threads have work. */
const sentAtOnce = 1 << 18;

/** Texts under way, and the items that end with them. */
type Sent<T> = {
  readonly parts: readonly { readonly item: T; readonly isLast: boolean }[];
  readonly ids: Promise<readonly Uint32Array[]>;
};

/**
 * Yields each item with the ids of its text, in the order of the items, while several threads encode those that come next. A
 * long text is cut where a word ends in every encoding, so that one large file keeps all threads busy.
 */
export async function* encodeInOrder<T extends WithText>(
  items: AsyncIterable<T>,
  encoders: Encoders,
): AsyncGenerator<readonly [item: T, ids: Uint32Array]> {
  const sent: Sent<T>[] = [];
  let texts: string[] = [];
  let parts: { item: T; isLast: boolean }[] = [];
  let size = 0;
  let begun: Uint32Array[] = [];

  const send = (): void => {
    const ids = encoders.encode(texts);
    // What fails is told where it is awaited, in its turn.
    ids.catch(() => undefined);
    sent.push({ parts, ids });
    [texts, parts, size] = [[], [], 0];
  };
  async function* taken(): AsyncGenerator<readonly [T, Uint32Array]> {
    const { parts: ended, ids } = sent.shift()!;
    for (const [i, encoded] of (await ids).entries()) {
      begun.push(encoded);
      if (!ended[i]!.isLast) continue;
      yield [ended[i]!.item, joined(begun)];
      begun = [];
    }
  }

  for await (const item of items) {
    let last: { item: T; isLast: boolean } | undefined;
    for (const piece of pieces(item.text)) {
      last = { item, isLast: false };
      texts.push(piece);
      parts.push(last);
      size += piece.length;
      if (size < sentAtOnce) continue;
      send();
      while (sent.length > 2 * encoders.threads) yield* taken();
    }
    last!.isLast = true;
  }
  if (texts.length > 0) send();
  while (sent.length > 0) yield* taken();
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
