import { type EventMap, type IEventBus, messageOf } from "@pipe/core";

type Subscription = { readonly listener: (data: never) => unknown; ended: boolean };

/**
 * Hands each event to its listeners, at once and in the order in which they subscribed.
 *
 * A listener that throws, or returns a promise that rejects, becomes a `warning` whose source names the event; `emit`
 * itself never throws. A listener that joins during an `emit` hears the next one, one that leaves is not called any more.
 */
export class EventBus implements IEventBus {
  // Lists are replaced, never changed, so that an emit under way keeps its own.
  readonly #subscriptions = new Map<keyof EventMap, readonly Subscription[]>();

  emit<E extends keyof EventMap>(event: E, data: EventMap[E]): void {
    for (const subscription of this.#listening(event)) {
      call(subscription, data, (error) => this.#warn(event, subscription, error));
    }
  }

  on<E extends keyof EventMap>(event: E, listener: (data: EventMap[E]) => void): Disposable {
    const subscription: Subscription = { listener, ended: false };
    this.#subscriptions.set(event, [...this.#listening(event), subscription]);
    return {
      [Symbol.dispose]: () => {
        subscription.ended = true;
        const others = this.#listening(event).filter((other) => other !== subscription);
        this.#subscriptions.set(event, others);
      },
    };
  }

  #listening(event: keyof EventMap): readonly Subscription[] {
    return this.#subscriptions.get(event) ?? [];
  }

  #warn(event: keyof EventMap, failed: Subscription, error: unknown): void {
    const warning = { source: `listener of ${event}`, message: messageOf(error) };
    if (event !== "warning") {
      this.emit("warning", warning);
      return;
    }
    // The other listeners of warnings are told, once: one that fails on this too is left out, or telling would never end.
    for (const other of this.#listening("warning")) if (other !== failed) call(other, warning, () => {});
  }
}

function call({ listener, ended }: Subscription, data: unknown, fail: (error: unknown) => void): void {
  if (ended) return;
  try {
    const result = listener(data as never);
    if (result instanceof Promise) result.catch(fail);
  } catch (error) {
    fail(error);
  }
}
