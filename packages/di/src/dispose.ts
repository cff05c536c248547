/** Disposes what can be disposed, and leaves everything else alone. */
export async function dispose(service: unknown): Promise<void> {
  if (typeof service !== "object" || service === null) return;
  if (Symbol.asyncDispose in service) await (service as AsyncDisposable)[Symbol.asyncDispose]();
  else if (Symbol.dispose in service) (service as Disposable)[Symbol.dispose]();
}
