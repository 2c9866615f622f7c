import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import { cachedPartitions } from '../../pipeline/partition.ts';
import type { Alert, Flow, PolicyChange } from '../../schema/records.ts';
import { eventMs } from '../event-time.ts';
import { bytesOf, readAs } from '../key-table.ts';
import { fromChunks, toChunks } from '../snapshot.ts';
import type { Options } from './options.ts';
import { createRuleState, type RuleState } from './rule-state.ts';
import type { Subject, SubjectKind } from './subject.ts';
import { createSchedule, ruleTimeMs, type ActiveRule, type RuleSchedule, type RuleSet } from './schedule.ts';

const NAME = 'rule';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];

/** Runs the user's rules. Which are in force when is the schedule's to say; without one there are none. */
export const create =
  (options: Options, schedule: RuleSchedule = createSchedule()): DetectorFactory =>
  (context) =>
    createRules(options, schedule, context);

function createRules(options: Options, schedule: RuleSchedule, context: DetectorContext): Detector {
  const laneOf = cachedPartitions(context.lanes);
  /** By the digest of the rule; made with its first flow. */
  const states = new Map<string, RuleState>();
  let set: RuleSet | null = null;
  /** Event time of the first flow of the lane, whatever it is: what rules learn begins there. */
  let beganMs = Number.NaN;
  const stateOptions = { ...context, detector: NAME, maxOpen: options.maxOpen, beganMs: () => beganMs };

  function stateOf(active: ActiveRule): RuleState {
    let state = states.get(active.rule.digest);
    if (state === undefined) states.set(active.rule.digest, (state = createRuleState(active, stateOptions)));
    return state;
  }

  /** The rules in force once event time has come to `timeMs`. Alerts of a rule that is gone or changed close. */
  function rulesAt(timeMs: number, out: Alert[]): RuleSet {
    if (set === null) return (set = schedule.at(timeMs));
    for (
      let next = schedule.after(set);
      next !== null && next.fromMs <= timeMs;
      next = schedule.after(next)
    ) {
      set = next;
      const kept = new Set(next.rules.map(({ rule }) => rule.digest));
      for (const [digest, { book }] of states) {
        if (kept.has(digest)) continue;
        book.closeDue(next.fromMs, out);
        book.closeAll(next.fromMs, out);
        states.delete(digest);
      }
    }
    return set;
  }

  function closeDue(timeMs: number, out: Alert[]): void {
    for (const { book } of states.values()) if (timeMs > book.dueMs) book.closeDue(timeMs, out);
  }

  function observe(flow: Flow): readonly Alert[] {
    const out: Alert[] = [];
    const { rules } = rulesAt(ruleTimeMs(flow), out);
    closeDue(eventMs(flow), out);
    judge('flow', rules, { subject: flow, timeMs: eventMs(flow) }, out);
    return out;
  }

  /** Every lane meets every change, and that of its group judges it. */
  function changed(change: PolicyChange, timeMs: number): readonly Alert[] {
    const out: Alert[] = [];
    const { rules } = rulesAt(timeMs, out);
    closeDue(timeMs, out);
    judge('policy_change', rules, { subject: change, timeMs }, out);
    return out;
  }

  function judge(
    kind: SubjectKind,
    rules: readonly ActiveRule[],
    { subject, timeMs }: { readonly subject: Subject; readonly timeMs: number },
    out: Alert[],
  ): void {
    for (const active of rules) {
      const { definition, grouping, matches } = active.rule;
      if (definition.over !== kind || !matches(subject)) continue;
      const key = grouping.keyOf(subject);
      if (laneOf(grouping.laneKeyOf(subject, key)) === context.lane)
        stateOf(active).take({ subject, key, timeMs }, out);
    }
  }

  function* sections(): Generator<readonly [string, Uint8Array]> {
    yield ['time', bytesOf(Float64Array.of(beganMs, set?.fromMs ?? Number.NaN))];
    yield ['rules', Buffer.from(JSON.stringify([...states.keys()]))];
    for (const state of states.values()) yield* state.sections();
  }

  return {
    key: 'rule',
    observe(flow, role) {
      if (Number.isNaN(beganMs)) beganMs = eventMs(flow);
      return role === 'rule' ? observe(flow) : NONE;
    },
    notice(notice) {
      if (notice.kind !== 'policy_change') return NONE;
      if (Number.isNaN(beganMs)) beganMs = notice.timeMs;
      return changed(notice.record, notice.timeMs);
    },
    learned(_cluster, fromMs) {
      beganMs = Number.isNaN(beganMs) ? fromMs : Math.min(beganMs, fromMs);
    },
    advance(watermarkMs) {
      const out: Alert[] = [];
      rulesAt(watermarkMs, out);
      closeDue(watermarkMs, out);
      return out;
    },
    snapshot: () => toChunks(NAME, STATE_VERSION, sections()),
    restore(chunks) {
      const saved = fromChunks(NAME, STATE_VERSION, chunks);
      const [began = Number.NaN, fromMs = Number.NaN] = readAs(
        Float64Array,
        saved.get('time') ?? new Uint8Array(0),
      );
      beganMs = began;
      set = Number.isNaN(fromMs) ? null : schedule.at(fromMs);
      states.clear();
      for (const digest of JSON.parse(Buffer.from(saved.get('rules') ?? '[]').toString()) as string[]) {
        const active = schedule.named(digest);
        if (active !== null) stateOf(active).restore(saved);
      }
    },
    status: () => ({
      state: 'ready',
      keys: [...states.values()].reduce((sum, { keys }) => sum + keys, 0),
    }),
  };
}
