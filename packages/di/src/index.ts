/**
 * A small service container, and the registry of component definitions.
 *
 * @packageDocumentation
 */
export { ServiceContainer, type Lifetime, type ServiceFactory } from "./service-container.ts";
export { ComponentRegistry } from "./component-registry.ts";
export { ComponentFactory, type DefinitionModule } from "./component-factory.ts";
