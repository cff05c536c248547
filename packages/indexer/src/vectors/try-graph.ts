// Loads the graph that its argument names and ends: with 0 where that went well.
import { createRequire } from "node:module";

const { Index } = createRequire(import.meta.url)("usearch") as typeof import("usearch");
const index = new Index({ dimensions: 1 } as never);
index.load(process.argv[2]!);
index.search(new Float32Array(index.dimensions()).fill(1), 1, 1);
