import { newFactor, newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { OpenAlert } from '../open-alert.ts';
import { fillMeasured } from './message.ts';
import type { Rule } from './rule.ts';

const SCORES: Readonly<Record<OpenAlert['severity'], number>> = {
  info: 0.1,
  low: 0.3,
  medium: 0.5,
  high: 0.8,
  critical: 1,
};

/** The rule's own message, and what was measured against what. */
export const explainBy =
  ({ metric, least, withinText, definition }: Rule) =>
  (alert: OpenAlert): Explanation => {
    const { facts } = alert;
    const value = facts['value'] ?? 0;
    const expected = facts['expected'] ?? null;
    const message = fillMeasured(alert.note ?? '', {
      count: String(alert.count),
      value: numberText(value),
      threshold: numberText(least),
      expected: expected === null ? 'unknown' : numberText(expected),
      within: withinText,
    });
    const why = newWhy({ summary: `${message} [rule ${alert.rule}]` });
    const measured = newFactor({
      name: metric === 'first seen' ? `first seen in ${withinText}` : `${metric} within ${withinText}`,
      observed: value,
    });
    measured.threshold = least;
    measured.expected = expected;
    why.factors = [measured];
    if (expected !== null && definition.when.ratio !== undefined) {
      const ratio = newFactor({ name: 'times the usual', observed: expected > 0 ? value / expected : value });
      ratio.expected = 1;
      ratio.threshold = facts['ratio'] ?? null;
      why.factors = [measured, ratio];
    }
    why.historyMs = facts['historyMs'] ?? 0;
    return { score: SCORES[alert.severity], why };
  };

const numberText = (value: number): string => String(Math.round(value * 100) / 100);
