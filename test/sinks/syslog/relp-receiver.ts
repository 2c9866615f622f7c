import net, { type AddressInfo, type Socket } from 'node:net';

export interface RelpCommand {
  readonly number: number;
  readonly command: string;
  readonly data: string;
}

export interface RelpReceiver {
  readonly port: number;
  /** Messages received, in order. */
  readonly messages: readonly string[];
  /** Every command, of every session. */
  readonly commands: readonly RelpCommand[];
  reset(): void;
}

/** A RELP server written from the specification; `answer` decides what a command is answered with, null nothing. */
export async function relpReceiver(
  t: { after(fn: () => Promise<void>): void },
  answer: (command: RelpCommand, socket: Socket) => string | null = accepts,
): Promise<RelpReceiver> {
  const messages: string[] = [];
  const commands: RelpCommand[] = [];
  const open = new Set<Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const head = /^(\d+) ([a-z]+) (\d+)[ \n]/.exec(rest.toString('latin1', 0, 64));
        if (!head) return;
        const length = Number(head[3]);
        // Without data there is no space before the line feed.
        const from = length === 0 ? head[0].length - 1 : head[0].length;
        if (rest.length < from + length + 1) return;
        if (rest[from + length] !== 10) throw new Error(`a frame without its end: ${head[0]}`);
        const command = {
          number: Number(head[1]),
          command: head[2]!,
          data: rest.toString('utf8', from, from + length),
        };
        rest = rest.subarray(from + length + 1);
        commands.push(command);
        if (command.command === 'syslog') messages.push(command.data);
        const text = answer(command, socket);
        if (text !== null) socket.write(text);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const reset = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  t.after(() => {
    reset();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return { port: (server.address() as AddressInfo).port, messages, commands, reset };
}

export const rsp = (number: number, data: string): string =>
  `${number} rsp ${Buffer.byteLength(data)} ${data}\n`;

export function accepts({ number, command }: RelpCommand): string {
  if (command === 'open') return rsp(number, '200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog');
  return command === 'close' ? `${rsp(number, '')}0 serverclose 0\n` : rsp(number, '200 OK');
}
