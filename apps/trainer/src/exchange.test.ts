import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { events, openExperiment } from "./experiment.test.fixture.ts";

const { folder, pipe } = await openExperiment();

describe("import and export", () => {
  it("take a model out and in again, for people and for programs", async () => {
    await writeFile(join(folder, "winds.txt"), "north wind, east wind, south wind. ".repeat(200));
    const small = ["--set", "data.source.path=winds.txt", "--set", "training.steps=4"];
    expect((await pipe(["train", "tiny.yaml", "--name", "leaving", ...small])).code).toBe(0);
    const leaving = ["--run", "leaving", "--out"];
    expect((await pipe(["export", "hf", ...leaving, "left"])).out).toContain("from_pretrained");
    expect((await pipe(["import", "hf", "left"])).out).toContain("pipe generate --run left");
    expect(events((await pipe(["import", "hf", "left", "--name", "left-2", "--json"])).out)[0]).toMatchObject({
      run: "left-2",
    });
    expect((await pipe(["export", "onnx", ...leaving, "a.onnx"])).code).toBe(0);
    const json = await pipe(["export", "onnx", ...leaving, "b.onnx", "--length", "8", "--json"]);
    expect(events(json.out)[0]).toMatchObject({ event: "model-exported" });
    const { code, err } = await pipe(["eval", "--run", "left"]);
    expect([code, err]).toEqual([2, expect.stringMatching(/knows no text[^]*pipe eval --run left --set 'data/)]);
    expect((await pipe(["runs", "show", "left"])).out).toMatch(/^left: imported from .*\/left\n/);
    const resumed = await pipe(["train", "--resume=left"]);
    expect([resumed.code, resumed.err]).toEqual([1, expect.stringContaining("pipe train finetune --set model.from=")]);
    const source = "data.source={kind: text, path: winds.txt}";
    const measured = await pipe(["eval", "--run", "left", "--set", source, "--set", "data.split.by=tail", "--json"]);
    expect(JSON.parse(measured.out)).toMatchObject({ step: 0, metrics: { loss: expect.any(Number) } });
    const tuned = ["--set", "model.from=runs/left", "--name", "tuned", ...small];
    expect((await pipe(["train", "tiny.yaml", ...tuned])).code).toBe(0);
    const again = await pipe(["train", "--resume=tuned", "--set", "training.steps=6"]);
    expect(again.code).toBe(0);
  });

  it.each([
    [["import", "x"]],
    [["import"]],
    [["export", "x"]],
    [["export"]],
    [["export", "onnx", "--run", "leaving", "--out", "c.onnx", "--length", "99"]],
  ])("refuses %j as bad usage", async (args) => expect((await pipe(args)).code).toBe(2));
});
