import { bytesOf, readAs } from '../key-table.ts';

/** Most contacts held for one source: more than any counting rule asks for. */
export const RING_CAPACITY = 128;

/** The latest first contacts of one source, in time order from the oldest. */
export interface ContactRing {
  readonly length: number;
  add(timeMs: number, host: number, port: number, kind: number): void;
  /** 0 is the newest. */
  timeMs(age: number): number;
  host(age: number): number;
  port(age: number): number;
  /** Transport class in the low two bits, then FAILED, PUBLIC and SEEN. */
  kind(age: number): number;
  /** How many contacts are with the host of the newest, over all that is held. */
  withHost(): number;
  /** How many contacts failed on the port and transport of the newest, over all that is held. */
  failedOnPort(): number;
  clear(): void;
}

/** Bits of `kind`: the contact failed; its destination is on the internet; the origin does not tell its fate. */
export const FAILED = 4;
export const PUBLIC = 8;
export const SEEN = 16;
/** Mask of the transport class. */
export const TRANSPORT = 3;
/** In a word: the port and transport class, and these with whether the contact failed. */
const PLACE = 0xffff | (TRANSPORT << 16);
const FAILED_PLACE = PLACE | (FAILED << 16);

export function createContactRing(): ContactRing {
  /** A power of two, so that a place in the ring is found without a division. */
  let capacity = 16;
  let times = new Float64Array(capacity);
  let hosts = new Uint32Array(capacity);
  /** Port in the low 16 bits, kind above. */
  let words = new Uint32Array(capacity);
  let newest = -1;
  let length = 0;
  const at = (age: number): number => (newest - age) & (capacity - 1);

  function grow(): void {
    const next = Math.min(capacity * 2, RING_CAPACITY);
    const nextTimes = new Float64Array(next);
    const nextHosts = new Uint32Array(next);
    const nextWords = new Uint32Array(next);
    for (let age = 0; age < length; age++) {
      const to = length - 1 - age;
      const from = at(age);
      nextTimes[to] = times[from]!;
      nextHosts[to] = hosts[from]!;
      nextWords[to] = words[from]!;
    }
    times = nextTimes;
    hosts = nextHosts;
    words = nextWords;
    capacity = next;
    newest = length - 1;
  }

  return {
    get length() {
      return length;
    },
    add(timeMs, host, port, kind) {
      if (length === capacity && capacity < RING_CAPACITY) grow();
      newest = (newest + 1) & (capacity - 1);
      if (length < capacity) length++;
      times[newest] = timeMs;
      hosts[newest] = host;
      words[newest] = port | (kind << 16);
    },
    timeMs: (age) => times[at(age)]!,
    host: (age) => hosts[at(age)]!,
    port: (age) => words[at(age)]! & 0xffff,
    kind: (age) => words[at(age)]! >>> 16,
    withHost() {
      const held = hosts;
      const mask = capacity - 1;
      const host = held[newest & mask]!;
      let count = 0;
      for (let age = 0; age < length; age++) if (held[(newest - age) & mask] === host) count++;
      return count;
    },
    failedOnPort() {
      const held = words;
      const mask = capacity - 1;
      const failed = (held[newest & mask]! & PLACE) | (FAILED << 16);
      let count = 0;
      for (let age = 0; age < length; age++)
        if ((held[(newest - age) & mask]! & FAILED_PLACE) === failed) count++;
      return count;
    },
    clear() {
      length = 0;
    },
  };
}

/** All rings in three typed arrays, oldest contact first, with the length of each. */
export function* ringSections(rings: readonly ContactRing[]): Generator<readonly [string, Uint8Array]> {
  const lengths = Uint32Array.from(rings, (ring) => ring.length);
  let total = 0;
  for (const length of lengths) total += length;
  const times = new Float64Array(total);
  const hosts = new Uint32Array(total);
  const words = new Uint32Array(total);
  let end = 0;
  for (const ring of rings) {
    for (let age = ring.length - 1; age >= 0; age--, end++) {
      times[end] = ring.timeMs(age);
      hosts[end] = ring.host(age);
      words[end] = ring.port(age) | (ring.kind(age) << 16);
    }
  }
  yield ['ring.length', bytesOf(lengths)];
  yield ['ring.time', bytesOf(times)];
  yield ['ring.host', bytesOf(hosts)];
  yield ['ring.word', bytesOf(words)];
}

export function restoreRings(sections: ReadonlyMap<string, Uint8Array>): ContactRing[] {
  const section = (name: string) => sections.get(name) ?? new Uint8Array(0);
  const times = readAs(Float64Array, section('ring.time'));
  const hosts = readAs(Uint32Array, section('ring.host'));
  const words = readAs(Uint32Array, section('ring.word'));
  let from = 0;
  return [...readAs(Uint32Array, section('ring.length'))].map((length) => {
    const ring = createContactRing();
    for (const end = from + length; from < end; from++) {
      ring.add(times[from]!, hosts[from]!, words[from]! & 0xffff, words[from]! >>> 16);
    }
    return ring;
  });
}
