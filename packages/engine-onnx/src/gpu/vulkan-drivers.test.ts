import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { vulkanDrivers } from "./vulkan-drivers.ts";

const home = mkdtempSync(join(tmpdir(), "pipe-vulkan-"));
afterAll(() => rmSync(home, { recursive: true }));

/** An empty driver file, with the folders above it. */
function driver(...path: readonly string[]): string {
  const file = join(home, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "{}");
  return file;
}

describe("vulkanDrivers", () => {
  const mine = driver(".local/share/vulkan/icd.d/mine.json");
  const data = driver("data/vulkan/icd.d/other.json");
  driver("data/vulkan/icd.d/read.me");
  const added = driver("added.json");

  it("looks where Vulkan's loader does", () => {
    const found = vulkanDrivers({ XDG_DATA_DIRS: join(home, "data"), VK_ADD_DRIVER_FILES: added }, home);
    expect(found).toEqual(expect.arrayContaining([added, mine, data]));
    expect(found.filter((path) => path.startsWith(home))).toHaveLength(3);
  });

  it("takes only those that are named, if they are there", () => {
    expect(vulkanDrivers({ VK_DRIVER_FILES: `${mine}:${join(home, "gone.json")}` }, home)).toEqual([mine]);
    expect(vulkanDrivers({ VK_ICD_FILENAMES: join(home, "data/vulkan/icd.d") }, home)).toEqual([data]);
  });

  it("finds none where there is none", () => {
    const found = vulkanDrivers({ XDG_DATA_DIRS: join(home, "nothing") }, join(home, "nobody"));
    expect(found.filter((path) => path.startsWith(home))).toEqual([]);
  });
});
