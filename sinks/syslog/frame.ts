/** Pure: messages put one after the other into memory that is used again. */
import type { LineBuffer } from '../records/line-buffer.ts';
import type { Message } from './encode.ts';
import type { Framing } from './target.ts';

/** Adds one message in its frame; `transaction` is its number over RELP. */
export function addFrame(
  lines: LineBuffer,
  { head, body }: Message,
  framing: Framing,
  transaction: number,
): void {
  switch (framing) {
    case 'relp':
      return lines.addCounted(`${transaction} syslog `, head, body, '\n');
    case 'octet':
      return lines.addCounted('', head, body, '');
    default:
      lines.add(head);
      lines.add(body);
      lines.add('\n');
  }
}
