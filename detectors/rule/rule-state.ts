import { digest } from '../../schema/ids.ts';
import type { DetectorContext } from '../../pipeline/contracts.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, type AlertBook } from '../alert-book.ts';
import { eventMs } from '../event-time.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { explainBy } from './explain.ts';
import type { ActiveRule } from './schedule.ts';
import { parseThreshold } from './threshold.ts';

/** What one rule remembers in one lane. */
export interface RuleState {
  readonly book: AlertBook;
  readonly keys: number;
  take(flow: Flow, key: string, out: Alert[]): void;
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

  function open(flow: Flow, handle: number, key: string, out: Alert[]): void {
    const { earlier, firstMs } = condition.measured;
    book.open(
      handle,
      flow,
      {
        key,
        about: grouping.about,
        entity: grouping.entityOf(flow),
        target: grouping.targetOf(flow),
        rule: rule.name,
        severity: definition.severity,
        attack: rule.attack,
        query: rule.query,
        facts: factsNow(),
        note: rule.noteOf(flow),
        ...(earlier > 0
          ? {
              earlier: {
                count: earlier,
                firstMs: Number.isNaN(firstMs) ? eventMs(flow) : firstMs,
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
    take(flow, key, out) {
      startHash(hash);
      addText(hash, key);
      finishHash(hash);
      const holds = condition.take(flow, hash, eventMs(flow));
      const handle = handleOf(hash);
      const alert = book.get(handle);
      if (alert === undefined) {
        if (holds) open(flow, handle, key, out);
      } else if (holds || condition.lasting) {
        if (condition.measured.value > (alert.facts['value'] ?? 0))
          alert.facts['value'] = condition.measured.value;
        book.add(alert, flow, { severity: definition.severity }, out);
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
