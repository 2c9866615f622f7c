import { randomBytes } from 'node:crypto';

/** Byte strings to small numbers, exactly: equal hashes are compared byte by byte. Ids begin at 1. */
export interface Dictionary {
  /** Id of the bytes [a, aEnd) of one place followed by [b, bEnd) of the same buffer; new ones get the next id. */
  intern(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number;
  /** Adds a key as `bytesOf` gave it; for reading a dictionary back. */
  load(key: Uint8Array): number;
  readonly size: number;
  /** Bytes held, all together. */
  readonly bytes: number;
  /** The bytes of an id; a view that the next `intern` may invalidate. */
  bytesOf(id: number): Buffer;
}

/**
 * `joint` is put between the two pieces, where what is left out between them has to stand for itself. The hash
 * is seeded by chance, so that nobody can prepare names that meet in one bucket. `firstPieceEnd` finds the end of
 * the first piece in a whole key.
 */
export function createDictionary(
  joint: readonly number[] = [],
  firstPieceEnd: (key: Uint8Array) => number = (key) => key.length,
): Dictionary {
  const seed = randomBytes(4).readInt32LE(0);
  let arena = Buffer.allocUnsafeSlow(1 << 16);
  let used = 0;
  let starts = new Uint32Array(1 << 10);
  let hashes = new Int32Array(1 << 10);
  let slots = new Int32Array(1 << 11);
  let size = 0;

  function grow(): void {
    const nextStarts = new Uint32Array(starts.length * 2);
    nextStarts.set(starts);
    starts = nextStarts;
    const nextHashes = new Int32Array(hashes.length * 2);
    nextHashes.set(hashes);
    hashes = nextHashes;
    slots = new Int32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 1; id <= size; id++) {
      let slot = hashes[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
  }

  function add(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): void {
    const length = aEnd - a + joint.length + bEnd - b;
    if (used + length > arena.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(arena.length * 2, used + length));
      arena.copy(larger, 0, 0, used);
      arena = larger;
    }
    arena.set(bytes.subarray(a, aEnd), used);
    used += aEnd - a;
    for (const byte of joint) arena[used++] = byte;
    arena.set(bytes.subarray(b, bEnd), used);
    used += bEnd - b;
  }

  function same(id: number, bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
    let at = starts[id]!;
    const end = id === size ? used : starts[id + 1]!;
    if (end - at !== aEnd - a + joint.length + bEnd - b) return false;
    for (let i = a; i < aEnd; i++) if (arena[at++] !== bytes[i]) return false;
    for (let i = 0; i < joint.length; i++) if (arena[at++] !== joint[i]) return false;
    // A native comparison costs as much as some thirty bytes compared here.
    if (bEnd - b > 32) return arena.compare(bytes, b, bEnd, at, end) === 0;
    for (let i = b; i < bEnd; i++) if (arena[at++] !== bytes[i]) return false;
    return true;
  }

  function intern(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number {
    const hash = mix(piece(piece(seed, bytes, a, aEnd), bytes, b, bEnd));
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const id = slots[slot]!;
      if (id === 0) break;
      if (hashes[id] === hash && same(id, bytes, a, aEnd, b, bEnd)) return id;
      slot = (slot + 1) & mask;
    }
    const id = ++size;
    slots[slot] = id;
    hashes[id] = hash;
    starts[id] = used;
    add(bytes, a, aEnd, b, bEnd);
    if (size + 2 >= starts.length) grow();
    return id;
  }

  return {
    intern,
    load(key) {
      const end = firstPieceEnd(key);
      return intern(key, 0, end, Math.min(key.length, end + joint.length), key.length);
    },
    get size() {
      return size;
    },
    get bytes() {
      return used;
    },
    bytesOf: (id) => arena.subarray(starts[id], id === size ? used : starts[id + 1]),
  };
}

/** Bytes of a piece that all go into its hash; beyond them it is one word in four. */
const WHOLE = 96;

/**
 * Four bytes a step; the length goes in, so that where one piece ends and the next begins counts. What tells keys
 * apart stands at their beginning (addresses, names); labels follow, and are compared anyway.
 */
function piece(hash: number, bytes: Uint8Array, from: number, to: number): number {
  let h = hash ^ (to - from);
  let i = from;
  const whole = Math.min(to, from + WHOLE);
  for (; i + 4 <= whole; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    h = Math.imul(h ^ word, 0x9e3779b1);
    h ^= h >>> 15;
  }
  for (; i + 16 <= to; i += 16) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    h = Math.imul(h ^ word, 0x9e3779b1);
    h ^= h >>> 15;
  }
  for (; i < to; i++) {
    h = Math.imul(h ^ bytes[i]!, 0x85ebca6b);
    h ^= h >>> 13;
  }
  return h;
}

function mix(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}
