import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Bytes of a random challenge, and of an answer to one. */
const CHALLENGE = 32;

/** A challenge that nobody can foresee. */
export function challenge(): Buffer {
  return randomBytes(CHALLENGE);
}

/**
 * Proves that one side knows the secret: it covers both sides' challenges, so that no answer serves twice, and the side's name, so
 * that none serves the other side. The secret itself never travels.
 */
export function proof(secret: string, side: "store" | "node", challenges: readonly Uint8Array[]): Buffer {
  const hash = createHmac("sha256", secret).update(`pipe ${side}`);
  for (const each of challenges) hash.update(each);
  return hash.digest();
}

/** Whether a proof is right, in a time that does not depend on where it is wrong. */
export function isProof(given: Uint8Array, expected: Uint8Array): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}
