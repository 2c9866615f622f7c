import { createInForce, type Dated } from '../../pipeline/in-force.ts';
import { digest } from '../../schema/ids.ts';
import type { Flow } from '../../schema/records.ts';
import type { Rule } from './rule.ts';

/** A rule in force, and since when: what it learns begins there. */
export interface ActiveRule {
  readonly rule: Rule;
  readonly sinceMs: number;
}

/** Rules that are in force together. */
export interface RuleSet extends Dated {
  readonly version: string;
  readonly rules: readonly ActiveRule[];
}

/** Which rules are in force at which event time. */
export interface RuleSchedule {
  at(timeMs: number): RuleSet;
  /** The set that follows one; null while it is the newest. */
  after(set: RuleSet): RuleSet | null;
  newest(): RuleSet;
  /** What is in force from the beginning, in place of all that was said before; only before the first flow. */
  begin(rules: readonly Rule[]): void;
  /** Rules in force from `fromMs` on, never before what was added last. False when they are in force already. */
  add(fromMs: number, rules: readonly Rule[]): boolean;
  /** Told of what `begin` and `add` change from now on; null from the beginning. */
  listen(listener: Listener): void;
  /** A rule of any set that is remembered. */
  named(ruleDigest: string): ActiveRule | null;
}

type Listener = (fromMs: number | null, rules: readonly Rule[]) => void;

export function createSchedule(initial: readonly Rule[] = []): RuleSchedule {
  const sets = createInForce(setOf(-Infinity, initial, null));
  const listeners: Listener[] = [];
  return {
    at: (timeMs) => sets.at(timeMs),
    after: (set) => sets.after(set),
    newest: () => sets.newest(),
    begin(rules) {
      sets.begin(setOf(-Infinity, rules, null));
      for (const tell of listeners) tell(null, rules);
    },
    listen: (listener) => void listeners.push(listener),
    add(fromMs, rules) {
      if (versionOf(rules) === sets.newest().version) return false;
      sets.add(fromMs, (ms, last) => setOf(ms, rules, last));
      for (const tell of listeners) tell(fromMs, rules);
      return true;
    },
    named(ruleDigest) {
      for (const { rules } of sets.all().toReversed())
        for (const active of rules) if (active.rule.digest === ruleDigest) return active;
      return null;
    },
  };
}

export const versionOf = (rules: readonly Rule[]): string => digest(12, ...rules.map((rule) => rule.digest));

function setOf(fromMs: number, rules: readonly Rule[], before: RuleSet | null): RuleSet {
  return {
    version: versionOf(rules),
    fromMs,
    rules: rules.map((rule) => {
      const known = before?.rules.find((active) => active.rule.digest === rule.digest);
      return { rule, sinceMs: known?.sinceMs ?? fromMs };
    }),
  };
}

/**
 * The time by which a flow's rules are looked up. Never later than when it was read, so that a flow read before a
 * change was decided is not judged by it, whatever its clock says.
 */
export const ruleTimeMs = (flow: Flow): number => Math.min(flow.endMs, flow.receivedMs);
