import type { Clock } from '../../pipeline/contracts.ts';

export interface PaceLimits {
  /** Most requests at once, and most bytes in one. */
  readonly maxRequests: number;
  readonly maxBytes: number;
}

/** What became of a request: taken, refused for overload at least in part, or failed for another reason. */
export type Outcome = 'taken' | 'overloaded' | 'failed';

/** How many requests a cluster is sent at once, and how large they are. */
export interface Pace {
  /** Most bytes of the next request. */
  readonly bytes: number;
  /** Requests that may be under way at once now. */
  readonly requests: number;
  /** Waits until one more request may be sent, and says when that is. Rejects with the reason of the signal. */
  enter(signal: AbortSignal): Promise<number>;
  /** One that entered at `sinceMs` has ended. */
  leave(ended: { readonly outcome: Outcome; readonly bytes: number; readonly sinceMs: number }): void;
  /** The cluster takes no request of so many bytes: none as large is tried again. */
  tooLarge(bytes: number): void;
}

const MIN_BYTES = 64 * 1024;
/** What one more request at once has to bring in throughput, or it is taken back. */
const WORTH = 1.03;
/** Windows that are waited before more is tried again: after no gain, and after an overload. */
const HOLD_WINDOWS = 16;
const OVERLOAD_WINDOWS = 6;

/**
 * Finds the cluster's limit. Requests at once are one more after each window of requests as long as that brings
 * throughput, one fewer where it did not; an overload halves them, and the size of a request when there is one only.
 * (Additive increase and multiplicative decrease: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms
 * for Congestion Avoidance in Computer Networks", 1989.) Windows in which the sink had not enough to send say
 * nothing of the cluster, and change nothing.
 */
export function pace({ maxRequests, maxBytes }: PaceLimits, clock: Pick<Clock, 'now'>): Pace {
  let requests = Math.min(2, maxRequests);
  let bytesCap = maxBytes;
  let bytes = maxBytes;
  let active = 0;
  const waiting: (() => void)[] = [];

  /** Requests of this window, and whether the limit was ever what held them up. */
  let taken = 0;
  /** Requests that end before a queue at the cluster is as long as this limit makes it; they are not counted. */
  let settling = 0;
  let takenBytes = 0;
  let tookMs = 0;
  let wasFull = false;
  let windowMs = clock.now();
  let hold = 0;
  /** Throughput of the window before the last step up; null when there was none. */
  let beforeStep: number | null = null;
  /** Requests that began before the last overload speak of a load that is no more. */
  let ignored = 0;

  function beginWindow(): void {
    taken = takenBytes = tookMs = 0;
    settling = requests * 2;
    wasFull = active >= requests && waiting.length > 0;
    windowMs = clock.now();
  }

  function endWindow(): void {
    // Little's law: what is under way, over how long it takes. A count over the window's time would be coarser.
    const perMs = (requests * takenBytes) / Math.max(1, tookMs);
    if (!wasFull) {
      beforeStep = null;
    } else if (beforeStep !== null && perMs < beforeStep * WORTH) {
      requests = Math.max(1, requests - 1);
      beforeStep = null;
      hold = HOLD_WINDOWS;
    } else if (hold > 0) {
      hold--;
      beforeStep = null;
    } else if (bytes < bytesCap) {
      bytes = Math.min(bytesCap, bytes * 2);
      beforeStep = null;
    } else if (requests < maxRequests) {
      requests++;
      beforeStep = perMs;
    } else {
      beforeStep = null;
    }
    beginWindow();
  }

  function overload(): void {
    if (requests > 1) requests = Math.floor(requests / 2);
    else bytes = Math.max(Math.min(MIN_BYTES, bytesCap), bytes / 2);
    ignored = active;
    hold = OVERLOAD_WINDOWS;
    beforeStep = null;
    beginWindow();
  }

  function admit(): void {
    while (active < requests && waiting.length > 0) {
      active++;
      waiting.shift()!();
    }
  }

  return {
    get bytes() {
      return Math.floor(bytes);
    },
    get requests() {
      return requests;
    },
    async enter(signal) {
      signal.throwIfAborted();
      if (active < requests) {
        active++;
        return clock.now();
      }
      wasFull = true;
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener('abort', give);
          resolve();
        };
        const give = (): void => {
          waiting.splice(waiting.indexOf(go), 1);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', give, { once: true });
        waiting.push(go);
      });
      return clock.now();
    },
    leave({ outcome, bytes: size, sinceMs }) {
      active--;
      const isOld = ignored > 0;
      if (isOld) ignored--;
      if (outcome === 'overloaded') {
        if (!isOld) overload();
      } else if (outcome === 'failed') {
        beginWindow();
      } else if (!isOld && sinceMs >= windowMs && settling-- <= 0) {
        taken++;
        takenBytes += size;
        tookMs += clock.now() - sinceMs;
        if (taken >= 4 * requests) endWindow();
      }
      admit();
    },
    tooLarge(size) {
      bytesCap = Math.max(1, Math.min(bytesCap, Math.floor(size / 2)));
      bytes = Math.min(bytes, bytesCap);
    },
  };
}
