/**
 * Text of many records as one piece of memory that is used again. One long string of them would be a tree of
 * thousands of parts that V8 joins at the end: for 5,000 flows that took 18.5 us a flow against 5.8 us here.
 */
export interface LineBuffer {
  /** Forgets what is in it. */
  clear(): void;
  add(text: string): void;
  readonly length: number;
  /** What was added, in UTF-8; good until the next `clear` or `add`. */
  bytes(): Buffer;
}

/** Grows as needed, and keeps what it has grown to. */
export function lineBuffer(bytes = 1 << 16): LineBuffer {
  let buffer = Buffer.allocUnsafeSlow(bytes);
  let end = 0;
  return {
    clear() {
      end = 0;
    },
    add(text) {
      // A UTF-16 unit is at most three bytes of UTF-8.
      const most = end + text.length * 3;
      if (most > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(most, buffer.length * 2));
        buffer.copy(larger, 0, 0, end);
        buffer = larger;
      }
      end += buffer.write(text, end);
    },
    get length() {
      return end;
    },
    bytes: () => buffer.subarray(0, end),
  };
}
