/** Passes items from one that pushes to one that pulls; at most one is under way. */
export interface Handoff<T> {
  /** Resolves when the item was taken and the next was asked for, which is when it has been dealt with. */
  put(item: T): Promise<void>;
  /** The next item; null after `idleMs` without one, undefined when it was closed. */
  take(wait: (signal: AbortSignal) => Promise<void>): Promise<T | null | undefined>;
  close(error?: unknown): void;
}

export function handoff<T>(): Handoff<T> {
  const waiting: { item: T; done: () => void }[] = [];
  let taken: (() => void) | null = null;
  let wake: (() => void) | null = null;
  let closed = false;
  let failure: unknown = null;
  return {
    put(item) {
      if (closed) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push({ item, done: resolve });
        wake?.();
      });
    },
    async take(wait) {
      taken?.();
      taken = null;
      if (waiting.length === 0 && !closed) {
        const idle = new AbortController();
        const arrived = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([arrived, wait(idle.signal)]);
        wake = null;
        idle.abort();
      }
      const next = waiting.shift();
      if (next) {
        taken = next.done;
        return next.item;
      }
      if (failure !== null) throw failure;
      return closed ? undefined : null;
    },
    close(error) {
      closed = true;
      failure ??= error ?? null;
      taken?.();
      for (const { done } of waiting.splice(0)) done();
      wake?.();
    },
  };
}
