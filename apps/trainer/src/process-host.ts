import type { Host } from "./host.ts";

/** Signals that follow within this time are one: package managers pass on what the terminal sent already. */
const ONE_PRESS_MS = 500;

/** The running process as a host. */
export function processHost(): Host {
  // A reader that has seen enough, such as `head`, is no reason to stop training.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", passBrokenPipe);
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    now: () => Date.now(),
    onInterrupt: (listener) => {
      const signals = ["SIGINT", "SIGTERM"] as const;
      let last = -Infinity;
      const press = (): void => {
        const now = performance.now();
        if (now - last >= ONE_PRESS_MS) listener();
        last = now;
      };
      for (const signal of signals) process.on(signal, press);
      return {
        [Symbol.dispose]: () => {
          for (const signal of signals) process.off(signal, press);
        },
      };
    },
    // process.exit would end the engine's worker inside a native call, which aborts: the signal itself ends at once.
    exit: () => {
      process.removeAllListeners("SIGINT");
      process.kill(process.pid, "SIGINT");
    },
  };
}

function passBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
