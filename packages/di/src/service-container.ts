import type { Services } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** Makes a service; others that it needs come from `services`. */
export type ServiceFactory<T> = (services: Services) => T | Promise<T>;

type Entry = { readonly factory: ServiceFactory<unknown>; made?: Promise<unknown> };

/**
 * Holds services by name: each is made once, when it is first asked for, and disposed in the reverse order.
 */
export class ServiceContainer implements Services, AsyncDisposable {
  readonly #entries = new Map<string, Entry>();
  /** Services in the order in which they were finished. */
  readonly #finished: unknown[] = [];

  /** Adds a service that is made on demand. @throws PipeError `service-duplicate`. */
  register<T>(name: string, factory: ServiceFactory<T>): this {
    if (this.#entries.has(name)) {
      throw new PipeError("service-duplicate", "A service of this name is registered already.", { got: name });
    }
    this.#entries.set(name, { factory });
    return this;
  }

  /** Adds a service that exists; whoever made it disposes it. */
  value<T>(name: string, instance: T): this {
    return this.register(name, () => new Borrowed(instance));
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** @throws PipeError `service-unknown`, `service-cycle`, or what the factory throws. */
  get<T>(name: string): Promise<T> {
    return this.#get(name, []) as Promise<T>;
  }

  /** Disposes what was made, the newest first, all of it even where one fails. @throws PipeError `disposal-failed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let service = this.#finished.pop(); service !== undefined; service = this.#finished.pop()) {
      try {
        await dispose(service);
      } catch (error) {
        failures.push(error);
      }
    }
    this.#entries.clear();
    if (failures.length === 0) return;
    const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
    throw new PipeError("disposal-failed", `${failures.length} services could not be disposed.`, {
      got: failures.map(String).join("; "),
      cause,
    });
  }

  async #get(name: string, path: readonly string[]): Promise<unknown> {
    if (path.includes(name)) {
      throw new PipeError("service-cycle", "Services need each other in a circle.", {
        got: [...path.slice(path.indexOf(name)), name].join(" → "),
      });
    }
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new PipeError("service-unknown", "No service of this name is registered.", {
        expected: [...this.#entries.keys()].join(", "),
        got: name,
        ...(path.length === 0 ? {} : { where: path.join(" → ") }),
      });
    }
    entry.made ??= this.#make(entry.factory, [...path, name]);
    return entry.made;
  }

  async #make(factory: ServiceFactory<unknown>, path: readonly string[]): Promise<unknown> {
    const made = await factory({
      has: (name) => this.has(name),
      get: <T>(name: string) => this.#get(name, path) as Promise<T>,
    });
    if (made instanceof Borrowed) return made.instance;
    this.#finished.push(made);
    return made;
  }
}

/** A service that the container does not own. */
class Borrowed {
  readonly instance: unknown;
  constructor(instance: unknown) {
    this.instance = instance;
  }
}

async function dispose(service: unknown): Promise<void> {
  if (typeof service !== "object" || service === null) return;
  if (Symbol.asyncDispose in service) await (service as AsyncDisposable)[Symbol.asyncDispose]();
  else if (Symbol.dispose in service) (service as Disposable)[Symbol.dispose]();
}
