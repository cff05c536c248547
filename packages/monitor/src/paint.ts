import { styleText } from "node:util";

/** Colours a text, or leaves it as it is. */
export type Paint = (
  style: "bold" | "dim" | "green" | "yellow" | "red" | "cyan" | "magenta" | "blue",
  text: string,
) => string;

/** Makes a {@link Paint}; what the terminal can do is the caller's to know. */
export function createPaint(color: boolean): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}
