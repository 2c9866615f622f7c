/**
 * RELP (the specification of librelp, protocol version 0): each message is a numbered command, and the receiver
 * answers each when it has taken it over. What was not answered is sent again by whoever wrote it.
 */
import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Connection, RawConnection } from './connection.ts';

/** Numbers of transactions go round (RELP: 1 to 999,999,999). */
const MAX_TRANSACTION = 999_999_999;

/** A response is short; a receiver that sends more without an end is none. */
const MAX_RESPONSE_BYTES = 128 * 1024;

interface Waiting {
  /** Number of its first command. */
  readonly first: number;
  readonly answered: Uint8Array;
  left: number;
  readonly refused: number[];
  readonly taken: (refused: readonly number[]) => void;
}

/** Opens a session on a connection. Rejects with `sink_unavailable` when the receiver speaks no RELP or refuses it. */
export async function relpSession(
  raw: RawConnection,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connection> {
  const { target } = raw;
  const waiting: Waiting[] = [];
  let next = 1;
  let opened: ((offers: string) => void) | null = null;
  /** Number of the `close` that was sent. */
  let closing = 0;

  const fail = (what: string): void =>
    raw.destroy(new WeirError('sink_unavailable', `${target.text}: ${what}`));
  const take = (): number => {
    const number = next;
    next = next === MAX_TRANSACTION ? 1 : next + 1;
    return number;
  };

  const answered = (number: number, code: number, text: string): void => {
    for (const [at, write] of waiting.entries()) {
      const index = (number - write.first + MAX_TRANSACTION) % MAX_TRANSACTION;
      if (index >= write.answered.length) continue;
      if (write.answered[index] === 1) return fail(`RELP: transaction ${number} was answered twice`);
      write.answered[index] = 1;
      if (code !== 200) write.refused.push(index);
      if (--write.left === 0) {
        waiting.splice(at, 1);
        write.taken(write.refused);
      }
      return;
    }
    fail(`RELP: a response '${code} ${text.slice(0, 100)}' to transaction ${number}, which is not open`);
  };

  const responses = parser((frame) => {
    if (frame.command === 'serverclose') return fail('the receiver closed the RELP session');
    if (frame.command !== 'rsp') return fail(`RELP: expected a response, found '${frame.command}'`);
    const [, code = '', text = ''] = /^(\d{3})(?: ?([^]*))?$/.exec(frame.data) ?? [];
    if (opened) {
      if (code !== '200') return fail(`RELP: the session was refused: ${frame.data.slice(0, 200)}`);
      return opened(text);
    }
    if (closing !== 0 && frame.number === closing) return raw.end();
    answered(frame.number, Number(code), text);
  }, fail);
  raw.onData(responses);

  const offers = new Promise<string>((resolve) => {
    opened = resolve;
  });
  const hello = 'relp_version=0\nrelp_software=weir\ncommands=syslog';
  raw.write(Buffer.from(`${take()} open ${hello.length} ${hello}\n`), () => {});
  const over = new AbortController();
  const first = await Promise.race([
    offers,
    raw.closed,
    clock.sleep(timeoutMs, AbortSignal.any([over.signal, signal])).then(() => null),
  ]);
  over.abort();
  opened = null;
  if (first instanceof WeirError) throw first;
  if (first === null) {
    fail(signal.aborted ? 'stopped while connecting' : `RELP: no answer to 'open' within ${timeoutMs} ms`);
    throw await raw.closed;
  }
  const [, commands = ''] = /^commands=(.*)$/m.exec(first) ?? [];
  if (!commands.split(',').includes('syslog')) {
    fail(`RELP: the receiver takes no syslog, only '${commands}'`);
    throw await raw.closed;
  }

  return {
    target,
    acknowledges: true,
    closed: raw.closed,
    destroy: raw.destroy,
    transaction: take,
    write: (frames, flushed, taken) => {
      if (frames.count === 0) taken([]);
      else
        waiting.push({
          first: frames.firstTransaction,
          answered: new Uint8Array(frames.count),
          left: frames.count,
          refused: [],
          taken,
        });
      raw.write(frames.bytes, flushed);
    },
    end: () => {
      closing = take();
      raw.write(Buffer.from(`${closing} close 0\n`), () => {});
    },
  };
}

interface Frame {
  readonly number: number;
  readonly command: string;
  readonly data: string;
}

/** `TXNR SP COMMAND SP DATALEN [SP DATA] LF`, as it comes in pieces. */
function parser(frame: (frame: Frame) => void, fail: (what: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const head = /^(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})([ \n])/.exec(bytes.toString('latin1', 0, 64));
      if (!head) {
        if (bytes.length >= 64 || bytes.includes(10))
          fail(`RELP: expected a frame, found '${bytes.toString('latin1', 0, 40)}'`);
        break;
      }
      const length = Number(head[3]);
      if (length > MAX_RESPONSE_BYTES) {
        fail(`RELP: a response of ${length} bytes`);
        return;
      }
      // Without data the line feed follows the length, with or without a space.
      const from = head[0].length - (length === 0 && head[4] === '\n' ? 1 : 0);
      if (bytes.length < from + length + 1) break;
      if (bytes[from + length] !== 10) {
        fail('RELP: a frame does not end where its length says');
        return;
      }
      frame({
        number: Number(head[1]),
        command: head[2]!,
        data: bytes.toString('utf8', from, from + length),
      });
      bytes = bytes.subarray(from + length + 1);
    }
    rest = bytes.length === 0 ? Buffer.alloc(0) : Buffer.from(bytes);
    if (rest.length > 2 * MAX_RESPONSE_BYTES) fail('RELP: a response without an end');
  };
}
