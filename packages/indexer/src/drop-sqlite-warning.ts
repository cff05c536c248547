/** What emits Node's warnings: a process, or the part of it that a thread sees. */
type Warner = {
  listeners(event: "warning"): readonly unknown[];
  removeAllListeners(event: "warning"): unknown;
  on(event: "warning", listener: (warning: Error) => void): unknown;
};

/** Leaves out the warning that `node:sqlite`, which we use on purpose, is new in Node 22; all others are told as before. */
export function dropSqliteWarning(process: Warner): void {
  const tellers = process.listeners("warning") as ((warning: Error) => void)[];
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name === "ExperimentalWarning" && warning.message.startsWith("SQLite")) return;
    for (const tell of tellers) tell.call(process, warning);
  });
}
