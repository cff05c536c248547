import { type IEngine, PipeError, serviceTokens, type Services } from "@pipe/core";
import type { ComponentFactory } from "@pipe/di";
import { type Candidate, cuda, processors } from "./candidates.ts";
import { rememberedSpeeds } from "./measured-speeds.ts";

/** Why an engine cannot be had here, as against why it failed. */
const absences = new Set([
  "component-missing",
  "engine-missing",
  "xla-plugin-missing",
  "xla-plugin-unavailable",
  "xla-device-missing",
]);

/** An engine that was started, and why it. */
export type ChosenEngine = { readonly engine: IEngine; readonly reason: string };

/**
 * Starts XLA on CUDA where it is, else the engine for processors that `measureEngines` found the fastest here, else the first
 * of them that is installed. What is installed and does not start is an error, not a reason to take another.
 * @throws PipeError `engine-missing` where there is none at all, and what starting an engine throws.
 */
export async function chooseEngine(components: ComponentFactory, services: Services): Promise<ChosenEngine> {
  const start = (candidate: Candidate): Promise<IEngine | undefined> =>
    components.create("engine", candidate.choice, services).catch((error: unknown) => {
      if (!PipeError.is(error) || !absences.has(error.code)) throw error;
      return undefined;
    });
  const onCuda = await start(cuda);
  if (onCuda !== undefined) return { engine: onCuda, reason: `${cuda.name}: there is a GPU` };

  const { cacheFolder } = serviceTokens;
  const speeds = services.has(cacheFolder) ? await rememberedSpeeds(await services.get(cacheFolder)) : [];
  const order = processors.toSorted((a, b) => placeOf(a) - placeOf(b));
  for (const candidate of order) {
    const engine = await start(candidate);
    if (engine !== undefined) return { engine, reason: `${candidate.name}: ${reasonFor(candidate)}` };
  }
  throw new PipeError("engine-missing", "There is no engine here that `engine: auto` could take.", {
    expected: [cuda, ...processors].map(({ name }) => name).join(", "),
    fix: "pipe engines says how to install one",
  });

  /** Those that were measured come first. */
  function placeOf({ name }: Candidate): number {
    const place = speeds.findIndex((speed) => speed.name === name);
    return place === -1 ? speeds.length : place;
  }

  function reasonFor({ name }: Candidate): string {
    const own = speeds.find((speed) => speed.name === name);
    if (own === undefined) return "the first that is installed; `pipe bench` finds the fastest";
    const others = speeds.filter((speed) => speed !== own).map((speed) => `${speed.name} ${speed.tokensPerSecond}`);
    const beside = others.length === 0 ? "" : ` (${others.join(", ")})`;
    return `${own.tokensPerSecond} tokens a second when it was measured here${beside}`;
  }
}
