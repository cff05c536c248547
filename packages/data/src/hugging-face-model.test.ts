import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folderOf } from "./folder-of.test.fixture.ts";
import { downloadHuggingFaceModel, type HuggingFaceModelOptions } from "./hugging-face-model.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const commit = "0123abcd";
const weights = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251));
const files: { readonly [path: string]: Buffer } = {
  "config.json": Buffer.from("{}"),
  "onnx/model.onnx": weights,
  "other.bin": Buffer.from("not wanted"),
};

/** A hub with one model, `me/model`, whose listing and bytes can be changed. */
async function hub(change: { listing?: unknown; sent?: (path: string) => Buffer } = {}) {
  const asked: string[] = [];
  const listing = {
    sha: commit,
    siblings: Object.entries(files).map(([rfilename, bytes]) => {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { rfilename, size: bytes.length, ...(bytes.length > 1_000 ? { lfs: { sha256 } } : {}) };
    }),
  };
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    asked.push(`${url}${headers.range === undefined ? "" : ` ${headers.range}`} ${headers.authorization ?? ""}`.trim());
    if (url === "/api/models/me/model/revision/main?blobs=true")
      return response.end(JSON.stringify(change.listing ?? listing));
    const path = url.replace(`/me/model/resolve/${commit}/`, "");
    const bytes = change.sent?.(path) ?? files[path];
    if (bytes === undefined) return response.writeHead(404).end("no such model");
    const begin = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    response.writeHead(begin > 0 ? 206 : 200, { "content-length": bytes.length - begin });
    return response.end(bytes.subarray(begin));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cache = await folderOf({});
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const wanted = (path: string): boolean => path !== "other.bin";
  const bring = (more: Partial<HuggingFaceModelOptions> = {}): Promise<string> =>
    downloadHuggingFaceModel({ model: "me/model", wanted, cache, endpoint, ...more });
  return { asked, cache, bring };
}

describe("downloadHuggingFaceModel", () => {
  it("brings the files that are wanted, once, and tells how far it is", async () => {
    const { asked, cache, bring } = await hub();
    const told: [number, number][] = [];
    const folder = await bring({ token: "secret", onProgress: (...progress) => told.push(progress) });
    expect(folder).toBe(join(cache, "me/model", commit));
    expect((await readFile(join(folder, "onnx/model.onnx"))).equals(weights)).toBe(true);
    expect(told.at(-1)).toEqual([50_002, 50_002]);
    expect(asked).toEqual([
      "/api/models/me/model/revision/main?blobs=true Bearer secret",
      `/me/model/resolve/${commit}/config.json Bearer secret`,
      `/me/model/resolve/${commit}/onnx/model.onnx Bearer secret`,
    ]);
    // Now there is no hub.
    expect(await bring({ endpoint: "http://127.0.0.1:1" })).toBe(folder);
  });

  it("goes on with a file that was broken off", async () => {
    const { asked, cache, bring } = await hub();
    const folder = join(cache, "me/model", commit, "onnx");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "model.onnx.part"), weights.subarray(0, 20_000));
    await bring();
    expect(asked.at(-1)).toBe(`/me/model/resolve/${commit}/onnx/model.onnx bytes=20000-`);
    expect((await readFile(join(folder, "model.onnx"))).equals(weights)).toBe(true);
  });

  it("keeps no bytes but those that are listed", async () => {
    const { bring } = await hub({ sent: (path) => Buffer.from(files[path]!).fill(7, 0, 1) });
    await expect(bring()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("other bytes came than the 50000 that are listed"),
    });
    const shorter = await hub({ sent: (path) => files[path]!.subarray(1) });
    await expect(shorter.bring()).rejects.toMatchObject({ code: "download-failed" });
  });

  it("says what is wrong with a name, a model or a listing", async () => {
    const { bring } = await hub();
    await expect(bring({ model: "model" })).rejects.toMatchObject({ code: "model-name-invalid" });
    await expect(bring({ model: "../etc" })).rejects.toMatchObject({ code: "model-name-invalid" });
    await expect(bring({ model: "me/other" })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("404 no such model"),
    });
    await expect(bring({ wanted: () => false })).rejects.toMatchObject({
      code: "model-files-missing",
      message: expect.stringContaining("config.json, onnx/model.onnx, other.bin"),
    });
    const size = 1;
    for (const listing of [
      [],
      { sha: "x/../y", siblings: [] },
      { sha: commit, siblings: [{ rfilename: "../outside", size }] },
      { sha: commit, siblings: [{ rfilename: "/etc/passwd", size }] },
      { sha: commit, siblings: [{ rfilename: "a" }] },
    ]) {
      const strange = await hub({ listing });
      await expect(strange.bring()).rejects.toMatchObject({
        code: "download-failed",
        message: expect.stringContaining("do not understand"),
      });
    }
  });
});
