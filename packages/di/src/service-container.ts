import { PipeError, type Services, type Token } from "@pipe/core";
import { dispose } from "./dispose.ts";
import { Making } from "./making.ts";

/** Makes a service; others that it needs come from `services`. */
export type ServiceFactory<T> = (services: Services) => T | Promise<T>;

/** How long a service lives: as long as its container, as long as a scope, or made anew whenever it is asked for. */
export type Lifetime = "singleton" | "scoped" | "transient";

/** A service as it was registered. */
export type Registration = {
  readonly name: string;
  readonly lifetime: Lifetime;
  readonly factory: ServiceFactory<unknown>;
  /** Whether the container disposes what the factory gives. */
  readonly owned: boolean;
};

/**
 * Holds services by token. Each is made when it is first asked for, or by {@link ServiceContainer.start}, and disposed with
 * its container or scope in the reverse order of completion.
 */
export class ServiceContainer implements Services, AsyncDisposable {
  #registrations = new Map<string, Registration>();
  #parent: ServiceContainer | undefined;
  readonly #scopes = new Set<ServiceContainer>();
  readonly #makings = new Map<string, Making>();
  readonly #pending = new Set<Promise<unknown>>();
  /** What is disposed, in the order in which it was finished. */
  readonly #finished: unknown[] = [];
  /** In a root: services whose disposal somebody has taken on, the container, a scope or whoever made them. */
  readonly #claimed = new WeakSet();
  #disposal: Promise<void> | undefined;

  /** Adds a service of which the container has one. @throws PipeError `service-duplicate`. */
  singleton<T>(token: Token<T> | string, factory: ServiceFactory<T>): this {
    return this.#register({ name: token, lifetime: "singleton", factory, owned: true });
  }

  /** Adds a service of which each scope has its own. @throws PipeError `service-duplicate`. */
  scoped<T>(token: Token<T> | string, factory: ServiceFactory<T>): this {
    return this.#register({ name: token, lifetime: "scoped", factory, owned: true });
  }

  /** Adds a service that is made anew whenever it is asked for. @throws PipeError `service-duplicate`. */
  transient<T>(token: Token<T> | string, factory: ServiceFactory<T>): this {
    return this.#register({ name: token, lifetime: "transient", factory, owned: true });
  }

  /** Adds a service that exists; whoever made it disposes it. @throws PipeError `service-duplicate`. */
  value<T>(token: Token<T> | string, instance: T): this {
    return this.#register({ name: token, lifetime: "singleton", factory: () => instance, owned: false });
  }

  /** Whether a service is registered. */
  has(token: string): boolean {
    return this.#registrations.has(token);
  }

  /**
   * Gives a service, and makes it first where need be.
   * @throws PipeError `service-unknown`, `service-cycle`, `service-captive`, `service-unscoped`, `container-disposed`, or
   * what the factory throws.
   */
  get<T>(token: Token<T> | string): Promise<T> {
    return this.#get(token) as Promise<T>;
  }

  /** Opens a scope: it shares the singletons, has scoped services of its own, and is disposed before its container. */
  scope(): ServiceContainer {
    const scope = new ServiceContainer();
    scope.#registrations = this.#registrations;
    scope.#parent = this.#root();
    scope.#parent.#scopes.add(scope);
    return scope;
  }

  /**
   * Makes all singletons of a container, or all scoped services of a scope, in the order of registration. Where one fails,
   * what was made is disposed and its error is thrown.
   */
  async start(): Promise<this> {
    const lifetime: Lifetime = this.#parent === undefined ? "singleton" : "scoped";
    try {
      for (const each of this.#registrations.values()) if (each.lifetime === lifetime) await this.#get(each.name);
    } catch (error) {
      await this[Symbol.asyncDispose]().catch((disposal: unknown) => {
        throw new PipeError("start-failed", "A service could not be made, and others not be disposed afterwards.", {
          got: `${String(error)}; ${String(disposal)}`,
          cause: new AggregateError([error, disposal]),
        });
      });
      throw error;
    }
    return this;
  }

  /**
   * Disposes what was made, the newest first, all of it even where one fails; scopes come before their container.
   * @throws PipeError `disposal-failed`, whose cause is an AggregateError of all failures.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (service: unknown): Promise<void> => {
      await dispose(service).catch((error: unknown) => failures.push(error));
    };
    for (const scope of [...this.#scopes].toReversed()) await attempt(scope);
    // What is still being made is finished first, so that it is not left behind.
    await Promise.allSettled(this.#pending);
    while (this.#finished.length > 0) await attempt(this.#finished.pop());
    if (this.#parent !== undefined) this.#parent.#scopes.delete(this);
    if (failures.length === 0) return;
    throw new PipeError("disposal-failed", `${failures.length} of the services could not be disposed.`, {
      got: failures.map(String).join("; "),
      cause: new AggregateError(failures),
    });
  }

  #register(registration: Registration): this {
    const { name } = registration;
    if (this.#registrations.has(name)) {
      throw new PipeError("service-duplicate", "A service of this name is registered already.", { got: name });
    }
    this.#registrations.set(name, registration);
    return this;
  }

  #root(): ServiceContainer {
    return this.#parent ?? this;
  }

  async #get(name: string, asker?: Making): Promise<unknown> {
    if (this.#disposal !== undefined) {
      throw new PipeError("container-disposed", "A service is asked of a container that is disposed.", { got: name });
    }
    const registration = this.#registrations.get(name);
    if (registration === undefined) {
      throw new PipeError("service-unknown", "No service of this name is registered.", {
        expected: [...this.#registrations.keys()].join(", ") || "a service that was registered before; there is none",
        got: name,
        ...(asker === undefined ? {} : { where: asker.way().join(" → ") }),
      });
    }
    const { lifetime } = registration;
    if (lifetime === "singleton") return this.#root().#once(registration, asker);
    if (lifetime === "transient") return this.#make(new Making(registration, asker));
    if (this.#parent === undefined) throw outsideScope(registration, asker);
    return this.#once(registration, asker);
  }

  #once(registration: Registration, asker: Making | undefined): Promise<unknown> {
    const known = this.#makings.get(registration.name);
    if (known !== undefined) {
      asker?.wait(known);
      return known.made!;
    }
    const making = new Making(registration, asker);
    this.#makings.set(registration.name, making);
    return (making.made = this.#make(making));
  }

  #make(making: Making): Promise<unknown> {
    const made = this.#run(making);
    this.#pending.add(made);
    return made.finally(() => this.#pending.delete(made));
  }

  async #run(making: Making): Promise<unknown> {
    const { factory, owned } = making.registration;
    try {
      const made = await factory({
        has: (name) => this.has(name),
        get: <T>(name: string) => this.#get(name, making) as Promise<T>,
      });
      if (this.#claims(made) && owned) this.#finished.push(made);
      return made;
    } finally {
      making.finish();
    }
  }

  /** Whether a service is new: one that has a second name is disposed once, where it was made. */
  #claims(made: unknown): boolean {
    if (typeof made !== "object" || made === null) return false;
    const claimed = this.#root().#claimed;
    const isNew = !claimed.has(made);
    claimed.add(made);
    return isNew;
  }
}

function outsideScope({ name }: Registration, asker: Making | undefined): PipeError {
  const way = asker?.chain() ?? [];
  const captor = way.findIndex(({ registration }) => registration.lifetime === "singleton");
  if (captor === -1) {
    return new PipeError("service-unscoped", "A scoped service is asked of a container.", {
      got: name,
      fix: "ask a scope of the container: container.scope().get(…)",
    });
  }
  const held = way.slice(captor).map(({ registration }) => `${registration.name} (${registration.lifetime})`);
  return new PipeError("service-captive", "A service that is kept for good would hold on to one of a scope.", {
    got: [...held, `${name} (scoped)`].join(" → "),
    fix: "register the first of them as scoped, too",
  });
}
