import type { DetectorContext } from '../../pipeline/contracts.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { Alert, Loss } from '../../schema/records.ts';
import type { AlertBook } from '../alert-book.ts';
import type { Baseline } from '../baseline.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { lossSeverity, rules } from './explain.ts';
import { createLosses, type Losses } from './losses.ts';
import { nodeNames, placeNames } from './names.ts';
import type { Options } from './options.ts';

/** Tells where more is lost than usual, in the lane of the node that loses it, or else of who noticed. */
export interface LossAlerts extends Pick<Losses, 'size' | 'sections' | 'restore'> {
  take(loss: Loss, nowMs: number, out: Alert[]): void;
}

export function createLossAlerts(
  options: Options,
  { maxKeys, lanes, lane, evicted }: DetectorContext,
  { book, baseline }: { readonly book: AlertBook; readonly baseline: Baseline },
): LossAlerts {
  const losses = createLosses(options, maxKeys, () => evicted(1));
  const hash = newHash();

  function take(loss: Loss, nowMs: number, out: Alert[]): void {
    const cluster = loss.cluster ?? '';
    const names = loss.node === null ? placeNames(cluster, loss.where) : nodeNames(cluster, loss.node);
    if (partitionOf(names.entity.key, lanes) !== lane) return;
    startHash(hash);
    addText(hash, rules.loss);
    addText(hash, names.entity.key);
    finishHash(hash);
    const count = loss.count !== null && loss.count > 0 ? loss.count : options.unknownLoss;
    const growth = losses.add(hash, count, nowMs);
    if (growth.lost < growth.threshold) return;
    const isLearning =
      loss.cluster === null ? baseline.state() === 'learning' : baseline.isLearning(cluster, nowMs);
    const severity = lossSeverity(growth.lost / growth.threshold, isLearning);
    const { name, entity, query, owner } = names;
    const seen = { timeMs: nowMs, cluster, tenant: loss.tenant, owner, name, recordId: loss.id };
    const alert = book.get(handleOf(hash));
    if (alert !== undefined) {
      alert.facts['lost'] = Math.max(alert.facts['lost'] ?? 0, growth.lost);
      book.add(alert, seen, { severity }, out);
      return;
    }
    book.open(
      handleOf(hash),
      seen,
      {
        key: `loss ${entity.key}`,
        about: 'source',
        entity,
        target: null,
        rule: rules.loss,
        severity,
        attack: [],
        query,
        note: loss.why.replace('_', ' '),
        facts: {
          ...growth,
          windowMs: options.lossWindowMs,
          isLearning: isLearning ? 1 : 0,
          historyMs: loss.cluster === null ? 0 : baseline.historyMs(cluster, nowMs),
        },
      },
      out,
    );
  }

  return {
    take,
    get size() {
      return losses.size;
    },
    sections: () => losses.sections(),
    restore: (sections) => losses.restore(sections),
  };
}
