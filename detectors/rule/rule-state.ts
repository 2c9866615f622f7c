import { digest } from '../../schema/ids.ts';
import type { DetectorContext } from '../../pipeline/contracts.ts';
import type { Alert } from '../../schema/records.ts';
import { createAlertBook, type AlertBook } from '../alert-book.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { explainBy } from './explain.ts';
import { namespaceQuery } from '../search-link.ts';
import type { ActiveRule } from './schedule.ts';
import { isFlow, seenOf, type Subject } from './subject.ts';
import { parseThreshold } from './threshold.ts';

/** A record in its group, at its event time. */
export interface Taken {
  readonly subject: Subject;
  readonly key: string;
  readonly timeMs: number;
}

/** What one rule remembers in one lane. */
export interface RuleState {
  readonly book: AlertBook;
  readonly keys: number;
  take(taken: Taken, out: Alert[]): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface RuleStateOptions extends DetectorContext {
  readonly detector: string;
  readonly maxOpen: number;
  /** Event time at which this lane began. */
  readonly beganMs: () => number;
}

export function createRuleState({ rule, sinceMs }: ActiveRule, options: RuleStateOptions): RuleState {
  const { evicted, lanes } = options;
  const { grouping, definition } = rule;
  const maxKeys = Math.max(1, Math.min(options.maxKeys, Math.ceil(rule.maxGroups / lanes)));
  const condition = rule.condition({
    name: `${rule.digest}.groups`,
    maxKeys,
    evicted,
    sinceMs: () => Math.max(sinceMs, options.beganMs()),
  });
  const book = createAlertBook({
    name: rule.digest,
    detector: options.detector,
    contentVersion: digest(12, options.contentVersion, rule.digest),
    quietMs: rule.quietMs,
    maxOpen: Math.min(options.maxOpen, maxKeys),
    runbook: definition.runbook ?? 'detectors/rule/README.md',
    evicted,
    explain: explainBy(rule),
  });
  const ratio = definition.when.ratio === undefined ? null : parseThreshold(definition.when.ratio)!.least;
  const hash = newHash();

  function factsNow(): Record<string, number> {
    const { value, expected, historyMs } = condition.measured;
    const facts: Record<string, number> = { value, historyMs };
    if (!Number.isNaN(expected)) facts['expected'] = expected;
    if (ratio !== null) facts['ratio'] = ratio;
    return facts;
  }

  function open({ subject, key, timeMs }: Taken, handle: number, out: Alert[]): void {
    const { earlier, firstMs } = condition.measured;
    book.open(
      handle,
      seenOf(subject, timeMs),
      {
        key,
        about: grouping.about,
        entity: grouping.entityOf(subject),
        target: grouping.targetOf(subject),
        rule: rule.name,
        severity: definition.severity,
        attack: rule.attack,
        query: isFlow(subject) ? rule.query : namespaceQuery(subject.namespace),
        facts: factsNow(),
        note: rule.noteOf(subject),
        ...(earlier > 0
          ? {
              earlier: {
                count: earlier,
                firstMs: Number.isNaN(firstMs) ? timeMs : firstMs,
                ports: [],
              },
            }
          : {}),
      },
      out,
    );
  }

  return {
    book,
    get keys() {
      return condition.size;
    },
    take(taken, out) {
      const { subject, key, timeMs } = taken;
      startHash(hash);
      addText(hash, key);
      finishHash(hash);
      const holds = condition.take(subject, hash, timeMs);
      const handle = handleOf(hash);
      const alert = book.get(handle);
      if (alert === undefined) {
        if (holds) open(taken, handle, out);
      } else if (holds || condition.lasting) {
        if (condition.measured.value > (alert.facts['value'] ?? 0))
          alert.facts['value'] = condition.measured.value;
        book.add(alert, seenOf(subject, timeMs), { severity: definition.severity }, out);
      }
    },
    *sections() {
      yield* condition.sections();
      yield book.section();
    },
    restore(sections) {
      condition.restore(sections);
      book.restore(sections);
    },
  };
}
