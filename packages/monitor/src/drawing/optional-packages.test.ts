import { expect, it } from "vitest";
import { orExplain } from "./optional-packages.ts";

it("says how to install a package that is missing", async () => {
  const name = "a-package-that-nobody-has";
  const failing = orExplain(name, () => import(/* @vite-ignore */ `${name}/index.js`));
  await expect(failing).rejects.toMatchObject({
    code: "drawing-unavailable",
    fix: "npm install echarts @resvg/resvg-js @expo-google-fonts/inter",
    message: expect.stringContaining(name),
  });
});

it("passes on what a package that is there throws", async () => {
  const broken = orExplain("broken", () => Promise.reject(new TypeError("broken inside")));
  await expect(broken).rejects.toThrow(TypeError);
});
