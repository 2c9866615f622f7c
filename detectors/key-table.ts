import type { Hash } from './hash.ts';

type Values =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;
/** A typed array type, made from a length or from a buffer. */
interface ColumnType {
  new (length: number): Values;
  new (buffer: ArrayBuffer): Values;
}

/** One number per key. `at` is replaced when the table grows, so it is read anew after every `claim`. */
export interface Column {
  at: Values;
}

/** Numbers by key, in typed arrays, with a hard cap. */
export interface KeyTable {
  readonly size: number;
  /** Declares a column. All columns are declared before the first key. A new key starts at 0 in each. */
  column(name: string, type: ColumnType): Column;
  /** Slot of a key; -1 when it is not held. */
  find(key: Hash): number;
  /** Slot of a key; when the cap is reached a key that was not used for long gives way. */
  claim(key: Hash): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface KeyTableOptions {
  /** Prefix of the snapshot sections. */
  readonly name: string;
  readonly maxKeys: number;
  /** Called with the slot of a key that gives way, before its columns are cleared. */
  readonly evict: (slot: number) => void;
}

/** Slots that fit into an entry of the index beside eight bits of the hash. */
const SLOT_BITS = 24;
const SLOT_MASK = (1 << SLOT_BITS) - 1;

/**
 * Keys are 64-bit hashes in open addressing over an index of slots; about 15 bytes a key and its columns, where a
 * Map keyed by text takes 450. Beside the slot the index has eight bits of the hash, so that it may be two thirds full:
 * a look at another key's entry is a look at the same line of memory. Slots are dense and stay where they are. Who gives way at the cap is decided by the
 * CLOCK rule (Corbató 1968): a hand passes over slots used since it last came by.
 */
export function createKeyTable(options: KeyTableOptions): KeyTable {
  const { name, evict } = options;
  const maxKeys = Math.min(options.maxKeys, SLOT_MASK);
  const columns: { name: string; type: ColumnType; column: Column }[] = [];
  let capacity = Math.min(256, maxKeys);
  /** Both halves of a key beside each other, high then low: whoever looks for one waits for memory once. */
  let keys = new Uint32Array(capacity * 2);
  let used = new Uint8Array(capacity);
  let index = emptyIndex(capacity);
  let mask = index.length - 1;
  let size = 0;
  let hand = 0;

  function resize(next: number): void {
    capacity = next;
    keys = copied(keys, new Uint32Array(next * 2));
    used = copied(used, new Uint8Array(next));
    for (const one of columns) one.column.at = copied(one.column.at, new one.type(next));
    index = emptyIndex(next);
    mask = index.length - 1;
    for (let slot = 0; slot < size; slot++) place(slot);
  }

  function place(slot: number): void {
    let i = keys[slot * 2 + 1]! & mask;
    while (index[i] !== 0) i = (i + 1) & mask;
    index[i] = (keys[slot * 2]! & ~SLOT_MASK) | (slot + 1);
  }

  /** Backward-shift deletion: later entries of the run close the gap, so no tombstones build up. */
  function unplace(slot: number): void {
    let gap = keys[slot * 2 + 1]! & mask;
    while ((index[gap]! & SLOT_MASK) !== slot + 1) gap = (gap + 1) & mask;
    for (let i = (gap + 1) & mask; index[i] !== 0; i = (i + 1) & mask) {
      const home = keys[((index[i]! & SLOT_MASK) - 1) * 2 + 1]! & mask;
      if (((i - home) & mask) >= ((i - gap) & mask)) {
        index[gap] = index[i]!;
        gap = i;
      }
    }
    index[gap] = 0;
  }

  /** One half of each key, as snapshots have them. */
  function halves(which: 0 | 1): Uint32Array<ArrayBuffer> {
    const out = new Uint32Array(size);
    for (let slot = 0; slot < size; slot++) out[slot] = keys[slot * 2 + which]!;
    return out;
  }

  function giveWay(): number {
    while (used[hand] === 1) {
      used[hand] = 0;
      hand = (hand + 1) % size;
    }
    const slot = hand;
    hand = (hand + 1) % size;
    evict(slot);
    unplace(slot);
    return slot;
  }

  function find(key: Hash): number {
    const { hi, lo } = key;
    for (let i = lo & mask; ; i = (i + 1) & mask) {
      const entry = index[i]!;
      if (entry === 0) return -1;
      if ((entry ^ hi) >>> SLOT_BITS !== 0) continue;
      const slot = (entry & SLOT_MASK) - 1;
      if (keys[slot * 2 + 1] === lo && keys[slot * 2] === hi) {
        used[slot] = 1;
        return slot;
      }
    }
  }

  return {
    get size() {
      return size;
    },
    column(columnName, type) {
      const column: Column = { at: new type(capacity) };
      columns.push({ name: columnName, type, column });
      return column;
    },
    find,
    claim(key) {
      const held = find(key);
      if (held !== -1) return held;
      if (size === capacity && capacity < maxKeys) resize(Math.min(capacity * 2, maxKeys));
      const slot = size < capacity ? size++ : giveWay();
      keys[slot * 2] = key.hi;
      keys[slot * 2 + 1] = key.lo;
      used[slot] = 1;
      for (const one of columns) one.column.at[slot] = 0;
      place(slot);
      return slot;
    },
    *sections() {
      yield [`${name}.head`, bytesOf(Float64Array.of(size, hand))];
      yield [`${name}.high`, bytesOf(halves(0))];
      yield [`${name}.low`, bytesOf(halves(1))];
      yield [`${name}.used`, used.subarray(0, size)];
      for (const one of columns) yield [`${name}.${one.name}`, bytesOf(one.column.at.subarray(0, size))];
    },
    restore(sections) {
      const section = (part: string) => sections.get(`${name}.${part}`) ?? new Uint8Array(0);
      const [savedSize = 0, savedHand = 0] = readAs(Float64Array, section('head'));
      size = 0;
      let fits = Math.min(256, maxKeys);
      while (fits < savedSize) fits = Math.min(fits * 2, maxKeys);
      resize(fits);
      readAs(Uint32Array, section('high')).forEach((half, slot) => (keys[slot * 2] = half));
      readAs(Uint32Array, section('low')).forEach((half, slot) => (keys[slot * 2 + 1] = half));
      used.set(section('used'));
      for (const one of columns) one.column.at.set(readAs(one.type, section(one.name)));
      size = savedSize;
      hand = savedHand;
      for (let slot = 0; slot < size; slot++) place(slot);
    },
  };
}

/** Of slots counted from 1, at most three quarters full. */
function emptyIndex(capacity: number): Uint32Array<ArrayBuffer> {
  let length = 16;
  while (length * 3 < capacity * 4) length *= 2;
  return new Uint32Array(length);
}

function copied<T extends Values>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The bytes of a typed array as they lie in memory: every platform Node runs on is little-endian. */
export const bytesOf = (values: Values): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The reverse of `bytesOf`, into fresh memory, since a section of a snapshot may lie at any offset. */
export function readAs<T extends Values>(type: { new (buffer: ArrayBuffer): T }, bytes: Uint8Array): T {
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return new type(own.buffer);
}
