/**
 * Text of many records as one piece of memory that is used again. One long string of them would be a tree of
 * thousands of parts that V8 joins at the end: for 5,000 flows that took 18.5 us a flow against 5.8 us here.
 */
export interface LineBuffer {
  /** Forgets what is in it. */
  clear(): void;
  add(text: string): void;
  /**
   * `before`, how many bytes `head` and `body` are, a space, `head`, `body`, `after`: what syslog and RELP frame
   * with. Measuring a text first and joining it with its length costs as much as writing it, twice.
   */
  addCounted(before: string, head: string, body: string, after: string): void;
  readonly length: number;
  /** What was added, in UTF-8; good until the next `clear` or `add`. */
  bytes(): Buffer;
}

/** Grows as needed, and keeps what it has grown to. */
export function lineBuffer(bytes = 1 << 16): LineBuffer {
  let buffer = Buffer.allocUnsafeSlow(bytes);
  let end = 0;
  const room = (units: number): void => {
    // A UTF-16 unit is at most three bytes of UTF-8.
    const most = end + units * 3;
    if (most <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(most, buffer.length * 2));
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  };
  return {
    clear() {
      end = 0;
    },
    add(text) {
      room(text.length);
      end += buffer.write(text, end);
    },
    addCounted(before, head, body, after) {
      const units = head.length + body.length;
      room(before.length + units + after.length + 12);
      if (before !== '') end += buffer.write(before, end);
      // Nearly all text is ASCII, so its length says how many digits there will be.
      const guess = digitsOf(units);
      const from = end + guess + 1;
      let size = buffer.write(head, from);
      size += buffer.write(body, from + size);
      const digits = digitsOf(size);
      if (digits !== guess) buffer.copyWithin(end + digits + 1, from, from + size);
      buffer.write(String(size) + ' ', end);
      end += digits + 1 + size;
      if (after !== '') end += buffer.write(after, end);
    },
    get length() {
      return end;
    },
    bytes: () => buffer.subarray(0, end),
  };
}

const digitsOf = (size: number): number =>
  size < 1000 ? (size < 10 ? 1 : size < 100 ? 2 : 3) : size < 10_000 ? 4 : String(size).length;
