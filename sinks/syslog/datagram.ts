import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Target } from './target.ts';

/** RFC 5426: one message a datagram, nothing acknowledged. */
export interface Datagrams {
  /** Resolves the target's name. Rejects with `sink_unavailable`. */
  open(): Promise<void>;
  /**
   * Resolves when all are sent. Rejects with `sink_unavailable` when the network or the receiver's host refuses
   * one (an ICMP port unreachable is reported by the next send).
   */
  send(messages: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * A default receive buffer of Linux (208 KiB) holds about 90 small datagrams and drops what comes faster than the
 * receiver reads: so that many are sent, then it is given a moment. That allows 32,000 a second.
 */
const burst = { messages: 32, pauseMs: 1 } as const;

export function datagrams(targets: readonly Target[], clock: Clock): Datagrams {
  let socket: dgram.Socket | null = null;
  let target = targets[0]!;
  let opening: Promise<dgram.Socket> | null = null;

  const openTo = async (to: Target): Promise<dgram.Socket> => {
    const { address, family } = await lookup(to.host);
    const opened = dgram.createSocket(family === 6 ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      opened.once('error', reject);
      opened.connect(to.port, address, () => {
        opened.off('error', reject);
        resolve();
      });
    });
    // What is refused is told by the send's own callback.
    opened.on('error', () => {});
    return opened;
  };

  const openFirst = async (): Promise<dgram.Socket> => {
    const reasons: string[] = [];
    for (const to of targets) {
      try {
        socket = await openTo(to);
        target = to;
        return socket;
      } catch (cause) {
        reasons.push(`${to.text}: ${messageOf(cause)}`);
      }
    }
    throw new WeirError('sink_unavailable', `no syslog receiver can be addressed: ${reasons.join('; ')}`);
  };

  const open = async (): Promise<dgram.Socket> => {
    if (socket) return socket;
    opening ??= openFirst().finally(() => {
      opening = null;
    });
    return opening;
  };

  const sendOne = (on: dgram.Socket, message: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      on.send(message, (error) => {
        if (!error) return resolve();
        reject(
          new WeirError(
            'sink_unavailable',
            `${target.text}: a datagram could not be sent: ${messageOf(error)}`,
            {
              cause: error,
            },
          ),
        );
      });
    });

  const close = async (): Promise<void> => {
    const last = socket;
    socket = null;
    if (last) await new Promise<void>((resolve) => last.close(resolve));
  };

  return {
    open: async () => {
      await open();
    },
    send: async (messages) => {
      const on = await open();
      try {
        for (let at = 0; at < messages.length; at += burst.messages) {
          if (at > 0) await clock.sleep(burst.pauseMs);
          const sent = messages.slice(at, at + burst.messages).map((message) => sendOne(on, message));
          const results = await Promise.allSettled(sent);
          for (const result of results) if (result.status === 'rejected') throw result.reason;
        }
      } catch (error) {
        if (socket === on) await close();
        throw error;
      }
    },
    close,
  };
}
