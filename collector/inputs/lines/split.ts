import { isAscii, isUtf8 } from 'node:buffer';

/** Receives what a splitter finds. Positions are byte offsets of the first byte of a line. */
export interface LineSink {
  /** A line without its line end. `valid` is false where bytes that are no UTF-8 were replaced by U+FFFD. */
  line(position: number, text: string, valid: boolean): void;
  /** A line longer than the maximum: its length so far, and at most `maxLineBytes` of its beginning. */
  tooLong(position: number, byteLength: number, head: string): void;
}

/** Cuts an ordered stream of bytes into lines; holds at most one line of `maxLineBytes`. */
export interface Splitter {
  /** The chunk may be reused once this returns. */
  push(chunk: Buffer, sink: LineSink): void;
  /** The stream has ended: what follows the last newline is a line. */
  end(sink: LineSink): void;
  /** Start of the first line that was not given to the sink. */
  position(): number;
  /** Byte offset at which the next chunk begins. */
  offset(): number;
  /** True while a line without its newline is held. */
  partial(): boolean;
}

const LF = 10;
const CR = 13;

/**
 * The same lines for any chunking. Empty lines are left out, and so are zero bytes where a line begins: a writer that
 * does not append leaves a hole of them when its file is truncated, and the line begins behind it. Chunks are searched by `Buffer.indexOf` and cut
 * without a copy; a chunk of pure ASCII is decoded as Latin-1, which costs half of UTF-8.
 */
export function splitter(maxLineBytes: number, startOffset = 0): Splitter {
  let position = startOffset;
  let offset = startOffset;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let skippedBytes = 0;

  const emit = (bytes: Buffer, from: number, to: number, ascii: boolean, sink: LineSink): void => {
    const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
    if (end === from) return;
    if (end - from > maxLineBytes) {
      sink.tooLong(position, to - from, bytes.toString('utf8', from, from + maxLineBytes));
    } else if (ascii) {
      sink.line(position, bytes.toString('latin1', from, end), true);
    } else {
      sink.line(position, bytes.toString('utf8', from, end), isUtf8(bytes.subarray(from, end)));
    }
  };

  /** Where the line that would begin at `start` begins. */
  const begin = (chunk: Buffer, start: number): number => {
    let at = start;
    while (chunk[at] === 0) at++;
    position = offset + at;
    return at;
  };

  const hold = (bytes: Buffer): void => {
    // One byte more than the maximum is kept, for the carriage return that may end the line.
    const room = maxLineBytes + 1 - heldBytes;
    const kept = Math.max(0, Math.min(room, bytes.length));
    if (kept > 0) {
      held.push(Buffer.from(bytes.subarray(0, kept)));
      heldBytes += kept;
    }
    skippedBytes += bytes.length - kept;
    // Many small chunks would otherwise cost one object each.
    if (held.length > 64) held = [Buffer.concat(held)];
  };

  const flushHeld = (sink: LineSink): void => {
    const whole = held.length === 1 ? held[0]! : Buffer.concat(held);
    if (skippedBytes > 0) {
      sink.tooLong(position, heldBytes + skippedBytes, whole.toString('utf8', 0, maxLineBytes));
    } else {
      emit(whole, 0, whole.length, isAscii(whole), sink);
    }
    held = [];
    heldBytes = 0;
    skippedBytes = 0;
  };

  return {
    push(chunk, sink) {
      let start = 0;
      if (heldBytes > 0) {
        const first = chunk.indexOf(LF);
        if (first < 0) {
          hold(chunk);
          offset += chunk.length;
          return;
        }
        hold(chunk.subarray(0, first));
        flushHeld(sink);
        start = begin(chunk, first + 1);
      } else start = begin(chunk, 0);
      const ascii = isAscii(chunk);
      for (;;) {
        const end = chunk.indexOf(LF, start);
        if (end < 0) break;
        emit(chunk, start, end, ascii, sink);
        start = begin(chunk, end + 1);
      }
      if (start < chunk.length) hold(chunk.subarray(start));
      offset += chunk.length;
    },
    end(sink) {
      if (heldBytes > 0) flushHeld(sink);
      position = offset;
    },
    position: () => position,
    offset: () => offset,
    partial: () => heldBytes > 0,
  };
}
