import type { InferenceSession, Tensor } from "onnxruntime-node";

/**
 * Name of the first output of every model on the processor: an empty sequence.
 *
 * onnxruntime-node copies each output that it hands back, also those that were written to a place of the caller's, which for
 * the gradients of a model is half a gigabyte a step that nobody reads. It converts outputs in their order and throws at the
 * first that is no tensor, when everything has been computed and stands in its place.
 */
export const NO_TENSOR = "nothing";

/** Runs a session that writes its results to the tensors given for them, and copies none. */
export async function runInPlace(
  session: InferenceSession,
  feeds: { readonly [name: string]: Tensor },
  fetches: { readonly [name: string]: Tensor },
): Promise<void> {
  try {
    await session.run(feeds, { ...fetches, [NO_TENSOR]: null });
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("Non tensor type"))) throw error;
  }
}
