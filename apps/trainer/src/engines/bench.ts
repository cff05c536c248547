import { cacheFolder } from "@pipe/engine-xla/plugins";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { builtInModules, measureEngines } from "@pipe/pipeline";
import { servicesOf } from "../engine.ts";
import type { Host } from "../host.ts";

/** Measures the engines for processors on a small model, remembers the result for `engine: { kind: auto }`, and shows it. */
export async function benchEngines(host: Host, seconds: number, json: boolean): Promise<void> {
  if (!json) host.stderr.write(`training a small model on each engine for ${seconds} seconds\n`);
  const measured = await measureEngines({
    components: new ComponentFactory(new ComponentRegistry(), builtInModules),
    services: servicesOf(host),
    cacheFolder: cacheFolder(host.env),
    seconds,
  });
  const best = Math.max(...measured.map(({ tokensPerSecond = 0 }) => tokensPerSecond));
  for (const each of measured) {
    const { name, choice, tokensPerSecond } = each;
    if (json) host.stdout.write(`${JSON.stringify({ event: "engine-measured", ...each })}\n`);
    else if (tokensPerSecond === undefined) host.stdout.write(`${name.padEnd(10)} not here: ${each.problem}\n`);
    else {
      const mark = tokensPerSecond === best ? "  ← engine: { kind: auto }" : "";
      host.stdout.write(`${name.padEnd(10)} ${`${tokensPerSecond}`.padStart(8)} tokens/s${mark}\n`);
    }
    if (!json && tokensPerSecond !== undefined) {
      const options = Object.entries(choice).map(([key, value]) => `${key}: ${String(value)}`);
      host.stdout.write(`${" ".repeat(11)}engine: { ${options.join(", ")} }\n`);
    }
  }
}
