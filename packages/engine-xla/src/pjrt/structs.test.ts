import { describe, expect, it } from "vitest";
import { PjrtApi, checkVersion } from "./api.ts";
import { compileOptions } from "./compile-options.ts";
import { errorName } from "./error-code.ts";
import { offsetOf } from "./layout.ts";
import { namedValues } from "./named-values.ts";
import { memoryAt, pinned, pinnedText, pinnedWords, textAt, wordOf } from "./native.ts";
import { protoInteger, protoString } from "./protobuf.ts";

const hex = (bytes: Iterable<number>): string => Buffer.from([...bytes]).toString("hex");

describe("protobuf", () => {
  it("writes what the format's description shows", () => {
    // Its examples: field 1 = 150, field 2 = "testing".
    expect(hex(protoInteger(1, 150))).toBe("089601");
    expect(hex(protoString(2, "testing"))).toBe("120774657374696e67");
    expect(hex(protoInteger(1, -1))).toBe("08ffffffffffffffffff01");
  });

  it("compile options are one replica of one partition on one device", () => {
    expect(hex(compileOptions([2]))).toBe("1a1908ffffffffffffffffff01200128014a08080110011a020802");
  });

  it("flags keep their types", () => {
    const [plain, flags] = [compileOptions([0]), compileOptions([0], { a: "x", b: true, c: 3, d: 0.5 })];
    expect(hex(flags.subarray(plain.length))).toBe(
      ["3a080a016112030a0178", "3a070a016212021001", "3a070a016312021803", "3a0e0a0164120921000000000000e03f"].join(""),
    );
  });
});

describe("the layout of the API", () => {
  it("has functions where the C header has them", () => {
    // The header: size, extensions, version (size, extensions, two ints), then Error_Destroy.
    expect(offsetOf("Error_Destroy")).toBe(40);
    expect(offsetOf("Client_Create")).toBe(40 + 8 * 10);
    expect(offsetOf("Client_BufferFromHostBuffer")).toBe(40 + 8 * 22);
    expect(offsetOf("LoadedExecutable_Execute")).toBe(40 + 8 * 55);
    expect(offsetOf("Buffer_ToHostBuffer")).toBe(40 + 8 * 70);
    expect(offsetOf("TopologyDescription_Create")).toBe(40 + 8 * 82);
    expect(offsetOf("Executable_GetCompiledMemoryStats")).toBe(40 + 8 * 96);
  });
});

describe("memory for C", () => {
  it("never lies on the movable heap", () => {
    expect(pinned(1).byteLength).toBe(128);
    expect(pinned(1000).byteLength).toBe(1000);
  });

  it("holds words, addresses and texts", () => {
    const text = pinnedText("héllo");
    const words = pinnedWords([1, -1n, undefined, text.bytes]);
    expect([...words.subarray(0, 3)]).toEqual([1n, 2n ** 64n - 1n, 0n]);
    expect(words[3]).toBe(wordOf(text.bytes));
    expect(textAt(words[3]!, BigInt(text.length))).toBe("héllo");
    expect(memoryAt(0n, 0)).toHaveLength(0);
  });

  it("writes named values of every type", () => {
    const { bytes, count } = namedValues({ name: "abc", number: 3, big: 4n, half: 0.5, yes: true });
    const view = new DataView(bytes.buffer);
    expect(count).toBe(5);
    expect([0, 1, 2, 3, 4].map((i) => view.getInt32(56 * i + 32, true))).toEqual([0, 1, 1, 3, 4]);
    expect(textAt(view.getBigUint64(16, true), view.getBigUint64(24, true))).toBe("name");
    expect(textAt(view.getBigUint64(40, true), view.getBigUint64(48, true))).toBe("abc");
    expect(view.getBigInt64(56 + 40, true)).toBe(3n);
    expect(view.getBigInt64(2 * 56 + 40, true)).toBe(4n);
    expect(view.getFloat32(3 * 56 + 40, true)).toBe(0.5);
    expect(view.getUint8(4 * 56 + 40)).toBe(1);
  });
});

describe("what is no plug-in", () => {
  it("is refused by code", () => {
    expect(() => new PjrtApi("/nowhere/plugin.so")).toThrow(expect.objectContaining({ code: "xla-plugin-missing" }));
    const library = process.platform === "darwin" ? "/usr/lib/libSystem.B.dylib" : "libm.so.6";
    expect(() => new PjrtApi(library)).toThrow(expect.objectContaining({ code: "xla-plugin-invalid" }));
  });

  it("plug-ins that train wrong, and those of another major version, are refused", () => {
    const refused = expect.objectContaining({ code: "xla-plugin-old" });
    expect(() => checkVersion([0, 81], "old.so")).toThrow(refused);
    expect(() => checkVersion([1, 0], "new.so")).toThrow(refused);
    checkVersion([0, 106], "good.so");
  });
});

it("errors have the names of Abseil's codes", () => {
  expect([errorName(3), errorName(8), errorName(99)]).toEqual(["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "error 99"]);
});
