/** Colours of a picture. */
export type Theme = {
  readonly background: string;
  /** Titles. */
  readonly ink: string;
  /** Labels; at least 4.5 : 1 against the background. */
  readonly quiet: string;
  readonly axis: string;
  readonly grid: string;
  /** Of lines, in their order; told apart with colour-blind eyes too. */
  readonly colors: readonly string[];
};

/** The two looks of a picture. */
export const themes: { readonly light: Theme; readonly dark: Theme } = {
  light: {
    background: "#ffffff",
    ink: "#1b2330",
    quiet: "#5b6675",
    axis: "#a9b2be",
    grid: "#e9edf2",
    colors: ["#2563c9", "#d9570b", "#0f8a6a", "#a33fb5", "#8a6d00", "#c22a4f", "#4a6076", "#5b8f1e"],
  },
  dark: {
    background: "#12161d",
    ink: "#eef2f7",
    quiet: "#9aa6b5",
    axis: "#4a5563",
    grid: "#232a34",
    colors: ["#6ea8ff", "#ff9a52", "#3fcfa5", "#dd8bee", "#e3c34a", "#ff7b98", "#a7bacd", "#a5d86b"],
  },
};
