import { randomBytes } from 'node:crypto';
import { hashEnd, hashPiece, sameBytes } from '../schema/bytes.ts';

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
  let arenaView = viewOf(arena);
  /** What was interned last, and a view of it: flows of one batch lie in one buffer. */
  let last: Uint8Array = arena;
  let view = arenaView;
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
      arenaView = viewOf(arena);
    }
    arena.set(bytes.subarray(a, aEnd), used);
    used += aEnd - a;
    for (const byte of joint) arena[used++] = byte;
    arena.set(bytes.subarray(b, bEnd), used);
    used += bEnd - b;
  }

  function same(id: number, a: number, aEnd: number, b: number, bEnd: number): boolean {
    let at = starts[id]!;
    const end = id === size ? used : starts[id + 1]!;
    if (end - at !== aEnd - a + joint.length + bEnd - b) return false;
    if (!sameBytes(view, a, aEnd, arenaView, at)) return false;
    at += aEnd - a;
    for (let i = 0; i < joint.length; i++) if (arena[at++] !== joint[i]) return false;
    return sameBytes(view, b, bEnd, arenaView, at);
  }

  function intern(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number {
    if (bytes !== last) {
      last = bytes;
      view = viewOf(bytes);
    }
    const hash = hashEnd(hashPiece(hashPiece(seed, view, a, aEnd), view, b, bEnd));
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const id = slots[slot]!;
      if (id === 0) break;
      if (hashes[id] === hash && same(id, a, aEnd, b, bEnd)) return id;
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

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
