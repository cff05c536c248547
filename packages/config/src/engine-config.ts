import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { type ComponentSchema, componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import { defaultKinds } from "./default-kinds.ts";

/** Where the arithmetic runs; default `{ kind: "onnx" }`. */
export class EngineConfig extends ConfigBase<z.ZodPrefault<ComponentSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("engine", z.prefault(componentSchema(definitions, "engine"), { kind: defaultKinds.engine[0] }));
  }
}
