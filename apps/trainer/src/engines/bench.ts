import { cacheFolder } from "@pipe/engine-xla/plugins";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { formatInteger, formatPlural } from "@pipe/monitor";
import { builtInModules, measureEngines } from "@pipe/pipeline";
import { servicesOf } from "../engine.ts";
import type { Host } from "../host.ts";

/** Measures the engines for processors on a small model, remembers the result for `engine: { kind: auto }`, and shows it. */
export async function benchEngines(host: Host, seconds: number, json: boolean): Promise<void> {
  if (!json) host.stderr.write(`training a small model on each engine for ${formatPlural(seconds, "second")}\n`);
  const measured = await measureEngines({
    components: new ComponentFactory(new ComponentRegistry(), builtInModules),
    services: servicesOf(host),
    cacheFolder: cacheFolder(host.env),
    seconds,
  });
  const best = Math.max(...measured.map(({ tokensPerSecond = 0 }) => tokensPerSecond));
  if (json) {
    for (const each of measured) host.stdout.write(`${JSON.stringify({ event: "engine-measured", ...each })}\n`);
    return;
  }
  const width = Math.max(...measured.map(({ name }) => name.length));
  const say = (name: string, text: string): void => void host.stdout.write(`${name.padEnd(width)}  ${text}\n`);
  for (const each of measured) {
    const { name, choice, tokensPerSecond } = each;
    if (tokensPerSecond === undefined) {
      say(name, `not here: ${each.problem}`);
      continue;
    }
    const mark = tokensPerSecond === best ? "  ← engine: { kind: auto }" : "";
    const options = Object.entries(choice).map(([key, value]) => `${key}: ${String(value)}`);
    say(name, `${formatInteger(tokensPerSecond)} tokens/s${mark}`);
    say("", `engine: { ${options.join(", ")} }`);
  }
}
