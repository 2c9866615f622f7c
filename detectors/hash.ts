/**
 * 64 bits of hash in two unsigned halves, held in an object that its owner reuses: nothing is allocated per flow.
 * Keys are compared by these bits alone, so state holds no strings; among ten million keys the chance that any
 * two meet is about 3 in a million.
 */
export interface Hash {
  hi: number;
  lo: number;
}

export const newHash = (): Hash => ({ hi: 0, lo: 0 });

/** Starts a hash. Parts follow with `addText` and `addNumber`; `finish` must come last. */
export function startHash(hash: Hash): void {
  hash.hi = 0xdeadbeef | 0;
  hash.lo = 0x41c6ce57 | 0;
}

let lastCluster = '';
let clusterHi = 0;
let clusterLo = 0;

/** Starts a hash with a cluster, which is that of the flow before nearly always: the same as `startHash` and `addText`. */
export function startInCluster(hash: Hash, cluster: string): void {
  if (cluster !== lastCluster || clusterHi === 0) {
    startHash(hash);
    addText(hash, cluster);
    lastCluster = cluster;
    clusterHi = hash.hi;
    clusterLo = hash.lo;
    return;
  }
  hash.hi = clusterHi;
  hash.lo = clusterLo;
}

/**
 * Texts hashed last, each with the state it was added to and the one that came of it. Detectors that stand beside each
 * other hash the same names for one flow, and most of them in the same order: what one has hashed, the others look up.
 */
const REMEMBERED = 64;
/** Shorter texts are hashed as fast as they are looked up. */
const WORTH_REMEMBERING = 12;
const texts = Array.from({ length: REMEMBERED }, () => '');
/** Four words each: both halves before, both halves after. */
const states = new Int32Array(REMEMBERED * 4);

/** Adds a text and its end, so that ("ab", "c") and ("a", "bc") differ. */
export function addText(hash: Hash, text: string): void {
  const { length } = text;
  if (length < WORTH_REMEMBERING) return mixText(hash, text);
  const hi = hash.hi | 0;
  const lo = hash.lo | 0;
  const place =
    (lo ^ length ^ (text.charCodeAt(length - 1) << 2) ^ text.charCodeAt(length >>> 1)) & (REMEMBERED - 1);
  const at = place * 4;
  if (states[at] === hi && states[at + 1] === lo && texts[place] === text) {
    hash.hi = states[at + 2]!;
    hash.lo = states[at + 3]!;
    return;
  }
  mixText(hash, text);
  texts[place] = text;
  states[at] = hi;
  states[at + 1] = lo;
  states[at + 2] = hash.hi;
  states[at + 3] = hash.lo;
}

function mixText(hash: Hash, text: string): void {
  let hi = hash.hi;
  let lo = hash.lo;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hi = Math.imul(hi ^ unit, 0x9e3779b1);
    lo = Math.imul(lo ^ unit, 0x5f356495);
  }
  hash.hi = Math.imul(hi ^ 0x1ffff ^ (lo >>> 15), 0x9e3779b1);
  hash.lo = Math.imul(lo ^ 0x1ffff ^ (hi >>> 13), 0x5f356495);
}

/** Adds an integer of up to 32 bits. */
export function addNumber(hash: Hash, value: number): void {
  hash.hi = Math.imul(hash.hi ^ value, 0x85ebca6b) ^ (hash.lo >>> 16);
  hash.lo = Math.imul(hash.lo ^ value, 0xc2b2ae35) ^ (hash.hi >>> 15);
}

/** Spreads every input bit over both halves and makes them unsigned. Never both zero, which marks an empty place. */
export function finishHash(hash: Hash): void {
  let hi = hash.hi;
  let lo = hash.lo;
  hi = Math.imul(hi ^ (hi >>> 16), 0x85ebca6b) ^ Math.imul(lo ^ (lo >>> 13), 0xc2b2ae35);
  lo = Math.imul(lo ^ (lo >>> 16), 0x85ebca6b) ^ Math.imul(hi ^ (hi >>> 13), 0xc2b2ae35);
  hash.hi = (hi ^ (hi >>> 15)) >>> 0;
  hash.lo = (lo ^ (lo >>> 15)) >>> 0;
  if (hash.hi === 0 && hash.lo === 0) hash.lo = 1;
}

/** 53 of the 64 bits as one number, exact in a double: the key of a Map that holds few things. */
export const handleOf = (hash: Hash): number => hash.hi * 2_097_152 + (hash.lo >>> 11);
