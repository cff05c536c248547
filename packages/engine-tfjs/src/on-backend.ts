import * as tf from "@pipe/graph/tf";

/** Runs a synchronous body on a backend that is ready, then puts back the one that was in use. */
export function onBackend<T>(backend: string, body: () => T): T {
  const before = tf.getBackend();
  // Synchronous for a backend that has been made.
  void tf.setBackend(backend);
  try {
    return body();
  } finally {
    void tf.setBackend(before);
  }
}
