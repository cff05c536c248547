import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";

/** What was measured of one engine. */
export type EngineSpeed = { readonly name: string; readonly tokensPerSecond: number };

/** The processor that a measurement is of: another one is measured anew. */
function processor(): string {
  return `${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} threads`;
}

function pathIn(cacheFolder: string): string {
  return join(cacheFolder, "engines", "speeds.json");
}

/** The speeds that were remembered of this processor, the fastest first; none where nothing was measured. */
export async function rememberedSpeeds(cacheFolder: string): Promise<readonly EngineSpeed[]> {
  try {
    const stored = JSON.parse(await readFile(pathIn(cacheFolder), "utf8")) as Partial<{
      processor: string;
      speeds: readonly EngineSpeed[];
    }> | null;
    if (stored?.processor !== processor() || !Array.isArray(stored.speeds)) return [];
    return stored.speeds.toSorted((a, b) => b.tokensPerSecond - a.tokensPerSecond);
  } catch {
    // A file that is not there or is damaged is as good as none: it can be measured again.
    return [];
  }
}

/** Remembers speeds of this processor for later starts. */
export async function rememberSpeeds(cacheFolder: string, speeds: readonly EngineSpeed[]): Promise<void> {
  const path = pathIn(cacheFolder);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify({ processor: processor(), speeds }, null, 2)}\n`);
  await rename(temporary, path);
}
