import { PipeError } from "@pipe/core";
import type { Registration } from "./service-container.ts";

/** A service while it is made: who asked for it, and which others it waits for. */
export class Making {
  readonly registration: Registration;
  /** Whoever asked first. */
  readonly asker: Making | undefined;
  made: Promise<unknown> | undefined;
  readonly #waitsFor = new Set<Making>();
  #finished = false;

  /** @throws PipeError `service-cycle`. */
  constructor(registration: Registration, asker: Making | undefined) {
    this.registration = registration;
    this.asker = asker;
    // One that is made anew each time never waits for itself: its cycle shows in who asked.
    const chain = asker?.chain() ?? [];
    const begin = chain.findIndex((each) => each.registration === registration);
    if (begin !== -1) throw circle([...chain.slice(begin), this]);
    asker?.wait(this);
  }

  /** Notes that this one waits for another. @throws PipeError `service-cycle` where that one waits for this one already. */
  wait(other: Making): void {
    // A finished service may keep `services` and ask later: that delays nobody.
    if (this.#finished) return;
    const way = other.#wayTo(this);
    if (way !== undefined) throw circle([...way, other]);
    this.#waitsFor.add(other);
  }

  finish(): void {
    this.#finished = true;
    this.#waitsFor.clear();
  }

  /** Whoever asked, from the outermost to this one. */
  chain(): readonly Making[] {
    return this.#finished ? [this] : [...(this.asker?.chain() ?? []), this];
  }

  /** The names of the chain. */
  way(): readonly string[] {
    return this.chain().map(({ registration }) => registration.name);
  }

  /** How this one comes to wait for another, both included. */
  #wayTo(other: Making): readonly Making[] | undefined {
    if (this === other) return [this];
    for (const next of this.#waitsFor) {
      const way = next.#wayTo(other);
      if (way !== undefined) return [this, ...way];
    }
    return undefined;
  }
}

function circle(way: readonly Making[]): PipeError {
  return new PipeError("service-cycle", "Services need each other in a circle.", {
    got: way.map(({ registration }) => registration.name).join(" → "),
  });
}
