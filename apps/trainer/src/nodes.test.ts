import { describe, expect, it } from "vitest";
import { nodeSettings, runsDirOfNode } from "./nodes.ts";

describe("the flags of several hosts", () => {
  const flags = { nodes: "2", node: "1", master: "10.0.0.1:7077", "secret-file": "secret" };

  it("set what the engine needs", () => {
    expect(nodeSettings({})).toEqual([]);
    expect(nodeSettings(flags)).toEqual([
      "engine.nodes=2",
      "engine.node=1",
      "engine.master=10.0.0.1:7077",
      "engine.secretFile=secret",
    ]);
  });

  it("go together", () => {
    expect(() => nodeSettings({ ...flags, master: undefined })).toThrow(/--nodes, --node, --master and --secret-file/);
    expect(() => nodeSettings({ ...flags, nodes: "two" })).toThrow(/--nodes takes a whole number, and got two/);
  });

  it("let node 0 alone write where people look", () => {
    expect(runsDirOfNode("runs", {})).toBe("runs");
    expect(runsDirOfNode("runs", { node: "0" })).toBe("runs");
    expect(runsDirOfNode("runs", flags)).toMatch(/^runs.\.nodes.1$/);
  });
});
