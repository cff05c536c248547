import type { Host } from "../host.ts";
import { benchEngines } from "../engines/bench.ts";
import { doctor, formatStates } from "../engines/doctor.ts";
import { install } from "../engines/install.ts";
import { numberFlag, parseCommand, unknownCommand, usageError } from "../usage.ts";

/** `pipe engines [doctor]`: what can compute here, and the command that brings what is missing. `pipe engines install <name>`, `pipe engines bench`. */
export async function engines(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, { seconds: { type: "string" } }, 2);
  const [action = "doctor", name] = positionals;
  const json = values.json === true;
  if (action === "install") {
    await install(name, host, json);
    return 0;
  }
  if (action === "bench" && name === undefined) {
    const seconds = numberFlag("seconds", values.seconds) ?? 6;
    // What is measured is kept, and `engine: { kind: auto }` goes by it.
    if (!(seconds > 0)) throw usageError(`--seconds is more than 0, and got ${seconds}.`, "pipe bench --seconds 6");
    await benchEngines(host, seconds, json);
    return 0;
  }
  if (action !== "list" && action !== "doctor") throw unknownCommand(action, ["doctor", "install"], "engines");
  if (name !== undefined) throw usageError(`There is no use for ${name}.`);
  const states = await doctor(host);
  if (json) for (const state of states) host.stdout.write(`${JSON.stringify(state)}\n`);
  else host.stdout.write(formatStates(states));
  return 0;
}
