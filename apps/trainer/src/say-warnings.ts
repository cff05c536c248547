/** What emits Node's warnings: a process. */
type Warner = {
  removeAllListeners(event: "warning"): unknown;
  on(event: "warning", listener: (warning: Error) => void): unknown;
};

/** Says Node's warnings in a line each, but for the one that `node:sqlite`, which we use on purpose, is new in Node 22. */
export function sayWarnings(process: Warner, say: (line: string) => void): void {
  process.removeAllListeners("warning"); // Node's own printing of them
  process.on("warning", ({ name, message }) => {
    if (name === "ExperimentalWarning" && message.startsWith("SQLite")) return;
    say(`${name}: ${message}\n`);
  });
}
