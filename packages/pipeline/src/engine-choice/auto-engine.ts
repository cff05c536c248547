import { defineComponent, type IEngine } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";

/** `engine: { kind: auto }`: the best engine of this machine, which says in `device.reason` why it was taken. */
export const definitions = [
  defineComponent({
    port: "engine",
    kind: "auto",
    create: async (_, services): Promise<IEngine> => {
      const [{ chooseEngine }, { builtInModules }] = await Promise.all([
        import("./choose-engine.ts"),
        import("../modules.ts"),
      ]);
      const components = new ComponentFactory(new ComponentRegistry(), builtInModules);
      const { engine, reason } = await chooseEngine(components, services);
      // The engine itself, not something around it: its tensors know it by identity.
      return Object.defineProperty(engine, "device", { value: { ...engine.device, reason }, enumerable: true });
    },
  }),
] as const;
