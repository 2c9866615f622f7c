import { addText, finishHash, handleOf, newHash, startHash } from '../../hash.ts';
import { bytesOf, createKeyTable, readAs } from '../../key-table.ts';
import { newMeasured, type ConditionFactory } from './condition.ts';
import type { Subject } from '../subject.ts';

/** Values held for all groups of a rule in all lanes: a rule that needs many a group holds fewer groups. */
export const MAX_VALUES = 2_000_000;

/**
 * At least `least` distinct values within the window, exactly: no more than that many are ever kept, since with
 * them it alerts. Each is a hash of 53 bits with the time it was last met.
 */
export const distinct =
  (valueOf: (subject: Subject) => string | null, least: number, withinMs: number): ConditionFactory =>
  ({ name, maxKeys, evicted }) => {
    const held: (Float64Array<ArrayBuffer> | undefined)[] = [];
    const table = createKeyTable({ name, maxKeys, evict: () => evicted(1) });
    const size = table.column('size', Uint16Array);
    /** Most groups meet one value only. */
    const onlyValue = table.column('onlyValue', Float64Array);
    const onlyMs = table.column('onlyMs', Float64Array);
    const hash = newHash();
    const measured = newMeasured();

    /** Pairs of value and time of a slot, with room for one more. */
    function pairsOf(slot: number): Float64Array<ArrayBuffer> {
      const count = size.at[slot]!;
      const pairs = held[slot];
      if (pairs !== undefined && count * 2 < pairs.length) return pairs;
      const grown = new Float64Array(Math.min(least, Math.max(4, count * 2)) * 2);
      if (pairs !== undefined && count > 1) grown.set(pairs);
      return (held[slot] = grown);
    }

    /** Leaves out what the window has passed; returns how many are left. */
    function expire(pairs: Float64Array, count: number, timeMs: number): number {
      let kept = 0;
      for (let i = 0; i < count; i++) {
        if (timeMs - pairs[i * 2 + 1]! > withinMs) continue;
        pairs[kept * 2] = pairs[i * 2]!;
        pairs[kept * 2 + 1] = pairs[i * 2 + 1]!;
        kept++;
      }
      return kept;
    }

    function takeValue(slot: number, value: number, timeMs: number): number {
      const count = size.at[slot]!;
      if (count <= 1) {
        const isAnother =
          count === 1 && onlyValue.at[slot] !== value && timeMs - onlyMs.at[slot]! <= withinMs;
        if (!isAnother) {
          onlyValue.at[slot] = value;
          onlyMs.at[slot] = timeMs;
          return (size.at[slot] = 1);
        }
        const pairs = pairsOf(slot);
        pairs[0] = onlyValue.at[slot]!;
        pairs[1] = onlyMs.at[slot]!;
      }
      const pairs = held[slot]!;
      for (let i = 0; i < count; i++) {
        if (pairs[i * 2] !== value) continue;
        pairs[i * 2 + 1] = timeMs;
        return count < least ? count : keep(slot, pairs, expire(pairs, count, timeMs));
      }
      size.at[slot] = expire(pairs, count, timeMs);
      const left = size.at[slot];
      const room = left < least ? pairsOf(slot) : pairs;
      // Full with values of the window: the oldest gives way, as only their number matters.
      const at = left < least ? left : oldestOf(pairs, left);
      room[at * 2] = value;
      room[at * 2 + 1] = timeMs;
      return keep(slot, room, Math.min(left + 1, least));
    }

    function keep(slot: number, pairs: Float64Array, count: number): number {
      if (count === 1) {
        onlyValue.at[slot] = pairs[0]!;
        onlyMs.at[slot] = pairs[1]!;
      }
      return (size.at[slot] = count);
    }

    return {
      measured,
      lasting: false,
      get size() {
        return table.size;
      },
      take(subject, group, timeMs) {
        const text = valueOf(subject);
        if (text === null) return false;
        startHash(hash);
        addText(hash, text);
        finishHash(hash);
        const count = takeValue(table.claim(group), handleOf(hash), timeMs);
        measured.value = count;
        measured.earlier = count - 1;
        return count >= least;
      },
      *sections() {
        yield* table.sections();
        const pairs: Float64Array[] = [];
        for (let slot = 0; slot < table.size; slot++)
          if (size.at[slot]! > 1) pairs.push(held[slot]!.subarray(0, size.at[slot]! * 2));
        const all = new Float64Array(pairs.reduce((sum, { length }) => sum + length, 0));
        let at = 0;
        for (const each of pairs) {
          all.set(each, at);
          at += each.length;
        }
        yield [`${name}.values`, bytesOf(all)];
      },
      restore(sections) {
        table.restore(sections);
        held.length = 0;
        const all = readAs(Float64Array, sections.get(`${name}.values`) ?? new Uint8Array(0));
        let at = 0;
        for (let slot = 0; slot < table.size; slot++) {
          const length = size.at[slot]! * 2;
          if (length <= 2) continue;
          held[slot] = all.slice(at, at + length);
          at += length;
        }
      },
    };
  };

function oldestOf(pairs: Float64Array, count: number): number {
  let oldest = 0;
  for (let i = 1; i < count; i++) if (pairs[i * 2 + 1]! < pairs[oldest * 2 + 1]!) oldest = i;
  return oldest;
}
