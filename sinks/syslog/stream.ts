/**
 * Delivery over TCP and TLS, which acknowledge nothing: a message counts as delivered when it was handed to the
 * kernel and the connection stayed good for `confirmMs` after that. Over RELP it counts when it was acknowledged.
 * Whatever is younger when a connection breaks is rejected; whoever wrote it writes it again, and it then carries
 * the mark of a resend.
 *
 * What waits is the key of each record, not the record: those that live for seconds are what the collector of
 * garbage copies, and most of what waiting costs.
 */
import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Connection, Frames } from './connection.ts';
import type { SentKeys } from '../records/resent.ts';

/** One write that is not confirmed yet. */
interface Unconfirmed {
  readonly sent: SentKeys;
  readonly bytes: number;
  readonly connection: Connection;
  readonly writtenMs: number;
  /**
   * Since when the receiver could have taken it, or since when it waits for its turn behind what the receiver has
   * not taken: how late the receiver is.
   */
  readonly waitingMs: number;
  /** Watched time at which the kernel took its last byte, or the receiver acknowledged the last message; null before. */
  takenMs: number | null;
  /** Positions of messages that the receiver refused. */
  refused: readonly number[];
  /** Aborted when nobody waits for the confirmation any more. */
  readonly signal: AbortSignal;
  readonly settle: (error?: WeirError) => void;
}

/** Writes handed to the socket and not yet taken by the kernel. */
export const MAX_UNFLUSHED = 4;

export interface StreamSettings {
  readonly confirmMs: number;
  readonly writeTimeoutMs: number;
  readonly maxUnconfirmedBytes: number;
  readonly clock: Clock;
  /** Opens a connection to the first target that answers. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>;
  /** Called with what was sent on a connection that broke before it was confirmed. */
  readonly onBroken: (sent: SentKeys, reason: WeirError) => void;
  readonly onConfirmed: (sent: SentKeys) => void;
}

/** One write: called when it is its turn, and again when the connection changed meanwhile. */
export interface StreamWrite {
  frame(connection: Connection): Frames;
  /** What was framed last. Nothing is asked of the write after that. */
  sent(): SentKeys;
}

/** A write that was asked for; what is written is let go of when it is sent. */
interface Asked {
  write: StreamWrite | null;
  readonly askedMs: number;
}

export interface Stream {
  /** Connects if there is no connection. */
  open(signal: AbortSignal): Promise<Connection>;
  /**
   * Resolves when confirmed, with the positions of messages that the receiver refused; rejects with
   * `sink_unavailable` or `tls_invalid`.
   */
  write(write: StreamWrite, signal: AbortSignal): Promise<readonly number[]>;
  close(): Promise<void>;
  readonly unconfirmedBytes: () => number;
}

export function stream(settings: StreamSettings): Stream {
  const { clock, confirmMs, writeTimeoutMs, maxUnconfirmedBytes } = settings;
  let connection: Connection | null = null;
  /** In the order of writing, so also of flushing. */
  let unconfirmed: Unconfirmed[] = [];
  let bytes = 0;
  let turn: Promise<void> = Promise.resolve();
  let failures = 0;
  let lastFailure: WeirError | null = null;
  let sweeping = false;
  let closing = new AbortController();
  let roomWaiters: (() => void)[] = [];
  /** When anything was last taken: a receiver that is slow is not one that has stopped. */
  let progressMs = -Infinity;
  /**
   * Time over which the connection was watched. While this process stands still nobody sees a connection break, so
   * such time counts as two looks at most.
   */
  let watchedMs = 0;
  let lookedMs = 0;
  /** When last there was no connection, or no room for more unconfirmed bytes: waiting before says nothing. */
  let freeMs = -Infinity;
  /** Writes on this connection that the kernel has not taken whole. */
  let unflushed = 0;

  const tickMs = Math.min(500, Math.max(1, Math.min(confirmMs, writeTimeoutMs) / 4));

  const watchedAt = (now: number): number => watchedMs + Math.min(Math.max(0, now - lookedMs), 2 * tickMs);

  const wakeAll = (): void => {
    const waiters = roomWaiters;
    roomWaiters = [];
    for (const wake of waiters) wake();
  };

  const release = (gone: readonly Unconfirmed[]): void => {
    for (const one of gone) bytes -= one.bytes;
    wakeAll();
  };

  const broken = (which: Connection, reason: WeirError): void => {
    if (connection === which) {
      connection = null;
      unflushed = 0;
    }
    const lost = unconfirmed.filter((one) => one.connection === which);
    unconfirmed = unconfirmed.filter((one) => one.connection !== which);
    for (const one of lost) {
      settings.onBroken(one.sent, reason);
      one.settle(reason);
    }
    release(lost);
  };

  const open = async (signal: AbortSignal): Promise<Connection> => {
    if (connection) return connection;
    const opened = await settings.connect(AbortSignal.any([signal, closing.signal]));
    connection = opened;
    freeMs = clock.now();
    void opened.closed.then((reason) => broken(opened, reason));
    return opened;
  };

  /**
   * A receiver that takes nothing holds up to some megabytes in kernel buffers. While the oldest write that is not
   * with the kernel has waited for long, nothing before it is believed either.
   */
  const confirm = (now: number): void => {
    const waiting = unconfirmed.find((one) => one.takenMs === null);
    const stuckMs = waiting ? now - Math.max(waiting.writtenMs, progressMs) : 0;
    const acknowledges = unconfirmed[0]?.connection.acknowledges ?? false;
    if (waiting && stuckMs >= writeTimeoutMs) {
      const { target } = waiting.connection;
      const what = acknowledges ? 'acknowledged' : 'took';
      waiting.connection.destroy(
        new WeirError('sink_unavailable', `${target.text}: the receiver ${what} nothing for ${stuckMs} ms`),
      );
      return;
    }
    if (!acknowledges && waiting && now - waiting.waitingMs > Math.min(confirmMs, 1000)) return;
    let count = 0;
    for (const one of unconfirmed) {
      if (one.takenMs === null || (!acknowledges && watchedMs - one.takenMs < confirmMs)) break;
      count++;
    }
    if (count === 0) return;
    const done = unconfirmed.slice(0, count);
    unconfirmed = unconfirmed.slice(count);
    for (const one of done) {
      settings.onConfirmed(one.sent);
      one.settle();
    }
    release(done);
  };

  const sweep = async (): Promise<void> => {
    if (sweeping) return;
    sweeping = true;
    lookedMs = clock.now();
    while (unconfirmed.length > 0 && !closing.signal.aborted) {
      await clock.sleep(tickMs, closing.signal);
      // After a stall of this process a close may be waiting to be read: it is read before time is believed.
      const now = clock.now();
      await new Promise((resolve) => setImmediate(resolve));
      for (const one of unconfirmed) {
        if (one.signal.aborted) one.settle(stopped());
      }
      watchedMs = watchedAt(now);
      lookedMs = now;
      confirm(now);
    }
    sweeping = false;
  };

  const waitWhile = async (isFull: () => boolean, signal: AbortSignal): Promise<void> => {
    while (isFull()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        roomWaiters.push(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
      refuseStopped(signal);
    }
  };

  const refuseStopped = (signal: AbortSignal): void => {
    if (signal.aborted || closing.signal.aborted) throw stopped();
  };

  /** Puts the bytes on a connection; gives back the promise of their confirmation. */
  const send = async (
    holder: Asked,
    signal: AbortSignal,
    failuresBefore: number,
  ): Promise<{ confirmed: Promise<readonly number[]> }> => {
    refuseStopped(signal);
    // One failed attempt answers all who were waiting for it; each retries after its own pause.
    if (failures > failuresBefore && lastFailure) throw lastFailure;
    // What the kernel has not taken yet lies in memory of ours, which is used again.
    await waitWhile(() => connection !== null && unflushed >= MAX_UNFLUSHED, signal);
    let opened: Connection;
    try {
      opened = await open(signal);
    } catch (error) {
      if (error instanceof WeirError) {
        failures++;
        lastFailure = error;
      }
      throw error;
    }
    const write = holder.write!;
    let data = write.frame(opened);
    const size = data.bytes.length;
    const isFull = (): boolean => bytes > 0 && bytes + size > maxUnconfirmedBytes;
    if (isFull()) {
      await waitWhile(isFull, signal);
      freeMs = clock.now();
    }
    // Waiting for room may have outlived the connection, and another target may want another framing.
    const current = await open(signal);
    if (current !== opened) {
      data.release();
      data = write.frame(current);
    }
    // From here on nothing holds the records but who wrote them.
    holder.write = null;
    let settle: Unconfirmed['settle'] = () => {};
    const confirmed = new Promise<readonly number[]>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve(entry.refused));
    });
    const entry: Unconfirmed = {
      sent: write.sent(),
      bytes: data.bytes.length,
      connection: current,
      writtenMs: clock.now(),
      waitingMs: Math.max(holder.askedMs, freeMs),
      takenMs: null,
      refused: [],
      signal,
      settle,
    };
    unconfirmed.push(entry);
    bytes += entry.bytes;
    unflushed++;
    current.write(
      data,
      () => {
        data.release();
        if (connection === current) {
          unflushed--;
          wakeAll();
        }
      },
      (refused) => {
        progressMs = clock.now();
        entry.takenMs = watchedAt(progressMs);
        entry.refused = refused;
        // What the receiver has said need not be waited for.
        if (current.acknowledges) confirm(progressMs);
      },
    );
    void sweep();
    return { confirmed };
  };

  /** One after the other. A function of its own, so that what waits holds nothing of the write. */
  function chained(holder: Asked, signal: AbortSignal): Promise<{ confirmed: Promise<readonly number[]> }> {
    const failuresBefore = failures;
    const sent = turn.then(() => send(holder, signal, failuresBefore));
    turn = sent.then(
      () => {},
      () => {},
    );
    return sent;
  }

  return {
    open: async (signal) => {
      if (closing.signal.aborted) closing = new AbortController();
      return open(signal);
    },
    write: (write, signal) => {
      const holder: Asked = { write, askedMs: clock.now() };
      const sent = chained(holder, signal);
      return sent.then(({ confirmed }) => confirmed);
    },
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      const last = connection;
      const reason = stopped();
      if (last) {
        last.end();
        const over = new AbortController();
        await Promise.race([last.closed, clock.sleep(1000, over.signal)]);
        over.abort();
        last.destroy(reason);
        broken(last, reason);
      }
      release([]);
    },
    unconfirmedBytes: () => bytes,
  };
}

const stopped = (): WeirError => new WeirError('sink_unavailable', 'stopped before delivery was confirmed');
