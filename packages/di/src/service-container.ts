import type { Services } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** Makes a service; others that it needs come from `services`. */
export type ServiceFactory<T> = (services: Services) => T | Promise<T>;

type Entry = {
  readonly factory: ServiceFactory<unknown>;
  made?: Promise<unknown>;
  /** Services that it has asked for while it is made. */
  readonly needs: Set<string>;
};

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
    this.#entries.set(name, { factory, needs: new Set() });
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
    return this.#get(name) as Promise<T>;
  }

  /** Disposes what was made, the newest first, all of it even where one fails. @throws PipeError `disposal-failed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    while (this.#finished.length > 0) {
      try {
        await dispose(this.#finished.pop());
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

  async #get(name: string, asking?: string): Promise<unknown> {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new PipeError("service-unknown", "No service of this name is registered.", {
        expected: [...this.#entries.keys()].join(", "),
        got: name,
        ...(asking === undefined ? {} : { where: asking }),
      });
    }
    if (asking !== undefined) {
      // Two services that were asked for at the same time may need each other, too: so what each one waits for is
      // looked at, not who asked first.
      const circle = this.#wayTo(asking, name);
      if (circle !== undefined) {
        throw new PipeError("service-cycle", "Services need each other in a circle.", {
          got: [...circle, name].join(" → "),
        });
      }
      this.#entries.get(asking)!.needs.add(name);
    }
    entry.made ??= this.#make(name, entry);
    return entry.made;
  }

  /** How `from` comes to need `target`, both included; undefined where it does not. */
  #wayTo(target: string, from: string): readonly string[] | undefined {
    if (from === target) return [from];
    for (const next of this.#entries.get(from)!.needs) {
      const way = this.#wayTo(target, next);
      if (way !== undefined) return [from, ...way];
    }
    return undefined;
  }

  async #make(name: string, entry: Entry): Promise<unknown> {
    try {
      const made = await entry.factory({
        has: (other) => this.has(other),
        get: <T>(other: string) => this.#get(other, name) as Promise<T>,
      });
      if (made instanceof Borrowed) return made.instance;
      this.#finished.push(made);
      return made;
    } finally {
      entry.needs.clear();
    }
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
