/** Outputs up to this size come back with the run: losses and counts. */
export const SMALL_BYTES = 1024;
