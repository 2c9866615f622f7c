import type { Loss } from '../../schema/records.ts';
import { anyJson } from '../records/json.ts';
import { isoTime } from '../records/time.ts';
import { head, orchestrator, related, type Target } from './parts.ts';

/** What was not seen. */
export function lossDocument(loss: Loss, target: Target): string {
  return anyJson({
    ...head('loss', target, loss.untilMs, {
      id: loss.id,
      kind: 'pipeline_error',
      category: ['network'],
      type: ['info'],
      action: 'records-lost',
      reason: loss.why,
      start: isoTime(loss.sinceMs),
      end: isoTime(loss.untilMs),
    }),
    message: loss.detail,
    host: loss.node === null ? null : { name: loss.node },
    related: related({ hosts: [loss.node] }),
    orchestrator: orchestrator(loss.cluster),
    weir: {
      kind: 'loss',
      collector: loss.collector,
      origin: loss.origin,
      loss: {
        where: loss.where,
        why: loss.why,
        count: loss.count,
        from: loss.fromPosition,
        to: loss.toPosition,
      },
      tenant: loss.tenant,
      tenants: loss.tenant === null ? null : [loss.tenant],
    },
  });
}
