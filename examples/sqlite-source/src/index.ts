/**
 * A plug-in with one data source, `sqlite`.
 *
 * @packageDocumentation
 */
import { defineComponent, definePlugin } from "@pipe/core";
import { z } from "zod";

const sqlite = defineComponent({
  port: "source",
  kind: "sqlite",
  schema: z.strictObject({
    kind: z.literal("sqlite"),
    path: z.string().min(1).meta({ format: "path", description: "The database file" }),
    table: z.string().min(1),
    column: z.string().min(1).default("text").describe("The column that holds the text"),
  }),
  create: async (options) => {
    const { SqliteDataSource } = await import("./sqlite-data-source.ts");
    return new SqliteDataSource(options);
  },
});

const plugin = definePlugin({ name: "@pipe/example-sqlite-source", components: [sqlite] });
export default plugin;

// With this, recipes in TypeScript complete the options of `sqlite`.
declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/example-sqlite-source": typeof plugin.components;
  }
}
