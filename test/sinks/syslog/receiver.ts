import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { parseRfc5424, splitOctetCounted } from './parse-rfc5424.ts';
import type { Rfc5424 } from './parse-rfc5424.ts';

/** A receiver of octet-counted messages whose behaviour a test decides. */
export interface Receiver {
  readonly port: number;
  readonly messages: readonly Rfc5424[];
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Resets every open connection. */
  reset(): void;
  /** Whether it reads what is sent. */
  reading(yes: boolean): void;
  close(): Promise<void>;
}

export async function receiver(
  t: { after(fn: () => Promise<void>): void },
  options: { readonly reads?: boolean; readonly onBytes?: (total: number, socket: Socket) => void } = {},
): Promise<Receiver> {
  const messages: Rfc5424[] = [];
  const open = new Set<Socket>();
  let accepted = 0;
  let reads = options.reads ?? true;
  let total = 0;
  const server = net.createServer((socket) => {
    accepted++;
    open.add(socket);
    let rest = Buffer.alloc(0);
    if (!reads) socket.pause();
    socket.on('data', (chunk) => {
      const split = splitOctetCounted(Buffer.concat([rest, chunk]));
      rest = Buffer.from(split.rest);
      for (const text of split.messages) messages.push(parseRfc5424(text));
      total += chunk.length;
      options.onBytes?.(total, socket);
    });
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const reset = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      reset();
    });
  t.after(close);
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    accepted: () => accepted,
    reset,
    reading: (yes) => {
      reads = yes;
      for (const socket of open) {
        if (yes) socket.resume();
        else socket.pause();
      }
    },
    close,
  };
}

export const idOf = (message: Rfc5424): string => message.data['weir@32473']!['id']!;
export const isResent = (message: Rfc5424): boolean => message.data['weir@32473']!['resent'] === '1';
