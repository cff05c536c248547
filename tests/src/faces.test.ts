import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const file = join(import.meta.dirname, "../faces.json");

type Face = { readonly [entry: string]: readonly string[] };
type Target = { readonly "@pipe/source": string };

/** What a module's text exports by name; types are marked. */
function namesOf(text: string): string[] {
  const listed = Array.from(text.matchAll(/^export (type )?\{([^}]*)\}/gm), ([, type = "", names]) =>
    names!.split(",").flatMap((name) => {
      const bare = name.trim().split(" as ").at(-1)!;
      return bare === "" ? [] : [`${type}${bare}`];
    }),
  );
  const declared = Array.from(
    text.matchAll(/^export (?:async )?(?:(type|interface)|const|function|class) (\w+)/gm),
    ([, type, name]) => (type === undefined ? name! : `type ${name}`),
  );
  const passedOn = Array.from(text.matchAll(/^export \* from "([^"]+)"/gm), ([, from]) => `* from ${from}`);
  return [...listed.flat(), ...declared, ...passedOn].sort();
}

function faceOf(name: string): Face {
  const folder = join(root, "packages", name);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const entries = Object.entries(manifest.exports as { readonly [entry: string]: Target | string });
  return Object.fromEntries(
    entries.flatMap(([entry, target]) =>
      typeof target === "string" ? [] : [[entry, namesOf(readFileSync(join(folder, target["@pipe/source"]), "utf8"))]],
    ),
  );
}

// To renew the list: PIPE_UPDATE=1 pnpm vitest run --project tests faces
const names = globSync("packages/*/package.json", { cwd: root })
  .map((path) => path.split("/")[1]!)
  .sort();
const faces = Object.fromEntries(names.map((name) => [name, faceOf(name)]));
if (process.env["PIPE_UPDATE"] === "1") writeFileSync(file, `${JSON.stringify(faces, undefined, 2)}\n`);
const known: { readonly [name: string]: Face } = JSON.parse(readFileSync(file, "utf8"));

describe("what each package exports", () => {
  it("is listed for every package", () => {
    expect(Object.keys(known)).toEqual(names);
  });

  it.each(names)("%s: as in faces.json, which PIPE_UPDATE=1 renews", (name) => {
    expect(faces[name]).toEqual(known[name]);
  });

  it.each(names)("%s: the modules give the values that the list names", async (name) => {
    for (const [entry, listed] of Object.entries(faces[name]!)) {
      const specifier = `@pipe/${name}${entry.slice(1)}`;
      const values = Object.keys((await import(/* @vite-ignore */ specifier)) as object);
      if (listed.some((each) => each.startsWith("* from "))) expect(values.length).toBeGreaterThan(0);
      else expect(values.sort()).toEqual(listed.filter((each) => !each.startsWith("type ")));
    }
  });
});
