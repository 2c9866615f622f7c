/**
 * Delivery over TCP and TLS, which acknowledge nothing: a message counts as delivered when it was handed to the
 * kernel and the connection stayed good for `confirmMs` after that. Whatever is younger when a connection breaks
 * is rejected; whoever wrote it writes it again, and it then carries the mark of a resend.
 */
import type { Clock, Delivery } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Connection } from './connect.ts';
import type { Target } from './target.ts';

/** One write that is not confirmed yet. */
interface Unconfirmed {
  readonly items: readonly Delivery[];
  readonly bytes: number;
  readonly connection: Connection;
  readonly writtenMs: number;
  /** When the kernel took its last byte; null before. */
  flushedMs: number | null;
  /** Aborted when nobody waits for the confirmation any more. */
  readonly signal: AbortSignal;
  readonly settle: (error?: WeirError) => void;
}

/** Framed messages of one write. */
export interface Frames {
  readonly bytes: Buffer;
  /** Called when the bytes are not needed any more; never when the connection broke over them. */
  readonly release: () => void;
}

export interface StreamSettings {
  readonly confirmMs: number;
  readonly writeTimeoutMs: number;
  readonly maxUnconfirmedBytes: number;
  readonly clock: Clock;
  /** Opens a connection to the first target that answers. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>;
  /** Called with what was sent on a connection that broke before it was confirmed. */
  readonly onBroken: (items: readonly Delivery[], reason: WeirError) => void;
  readonly onConfirmed: (items: readonly Delivery[]) => void;
}

export interface Stream {
  /** Connects if there is no connection. */
  open(signal: AbortSignal): Promise<Connection>;
  /** Resolves when confirmed; rejects with `sink_unavailable` or `tls_invalid`. `frame` is called when it is its turn. */
  write(items: readonly Delivery[], frame: (target: Target) => Frames, signal: AbortSignal): Promise<void>;
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

  const tickMs = Math.min(500, Math.max(1, Math.min(confirmMs, writeTimeoutMs) / 4));

  const release = (gone: readonly Unconfirmed[]): void => {
    for (const one of gone) bytes -= one.bytes;
    const waiters = roomWaiters;
    roomWaiters = [];
    for (const wake of waiters) wake();
  };

  const broken = (which: Connection, reason: WeirError): void => {
    if (connection === which) connection = null;
    const lost = unconfirmed.filter((one) => one.connection === which);
    unconfirmed = unconfirmed.filter((one) => one.connection !== which);
    for (const one of lost) {
      settings.onBroken(one.items, reason);
      one.settle(reason);
    }
    release(lost);
  };

  const open = async (signal: AbortSignal): Promise<Connection> => {
    if (connection) return connection;
    const opened = await settings.connect(AbortSignal.any([signal, closing.signal]));
    connection = opened;
    void opened.closed.then((reason) => broken(opened, reason));
    return opened;
  };

  /**
   * A receiver that takes nothing holds up to some megabytes in kernel buffers. While the oldest write that is not
   * with the kernel has waited for long, nothing before it is believed either.
   */
  const confirm = (now: number): void => {
    const waiting = unconfirmed.find((one) => one.flushedMs === null);
    const waitedMs = waiting ? now - waiting.writtenMs : 0;
    if (waiting && waitedMs >= writeTimeoutMs) {
      const { target } = waiting.connection;
      waiting.connection.destroy(
        new WeirError('sink_unavailable', `${target.text}: the receiver took nothing for ${waitedMs} ms`),
      );
      return;
    }
    if (waitedMs > Math.min(confirmMs, 1000)) return;
    let count = 0;
    for (const one of unconfirmed) {
      if (one.flushedMs === null || now - one.flushedMs < confirmMs) break;
      count++;
    }
    if (count === 0) return;
    const done = unconfirmed.slice(0, count);
    unconfirmed = unconfirmed.slice(count);
    for (const one of done) {
      settings.onConfirmed(one.items);
      one.settle();
    }
    release(done);
  };

  const sweep = async (): Promise<void> => {
    if (sweeping) return;
    sweeping = true;
    while (unconfirmed.length > 0 && !closing.signal.aborted) {
      await clock.sleep(tickMs, closing.signal);
      // After a stall of this process a close may be waiting to be read: it is read before time is believed.
      const now = clock.now();
      await new Promise((resolve) => setImmediate(resolve));
      for (const one of unconfirmed) {
        if (one.signal.aborted) one.settle(stopped());
      }
      confirm(now);
    }
    sweeping = false;
  };

  const room = async (size: number, signal: AbortSignal): Promise<void> => {
    while (bytes > 0 && bytes + size > maxUnconfirmedBytes) {
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
    items: readonly Delivery[],
    frame: (target: Target) => Frames,
    signal: AbortSignal,
    failuresBefore: number,
  ): Promise<{ confirmed: Promise<void> }> => {
    refuseStopped(signal);
    // One failed attempt answers all who were waiting for it; each retries after its own pause.
    if (failures > failuresBefore && lastFailure) throw lastFailure;
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
    let data = frame(opened.target);
    await room(data.bytes.length, signal);
    // Waiting for room may have outlived the connection, and another target may want another framing.
    const current = await open(signal);
    if (current !== opened) {
      data.release();
      data = frame(current.target);
    }
    let settle: Unconfirmed['settle'] = () => {};
    const confirmed = new Promise<void>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve());
    });
    const entry: Unconfirmed = {
      items,
      bytes: data.bytes.length,
      connection: current,
      writtenMs: clock.now(),
      flushedMs: null,
      signal,
      settle,
    };
    unconfirmed.push(entry);
    bytes += entry.bytes;
    current.write(data.bytes, () => {
      entry.flushedMs = clock.now();
      data.release();
    });
    void sweep();
    return { confirmed };
  };

  return {
    open: async (signal) => {
      if (closing.signal.aborted) closing = new AbortController();
      return open(signal);
    },
    write: async (items, frame, signal) => {
      const failuresBefore = failures;
      const sent = turn.then(() => send(items, frame, signal, failuresBefore));
      turn = sent.then(
        () => {},
        () => {},
      );
      const { confirmed } = await sent;
      await confirmed;
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
