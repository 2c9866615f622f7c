import { createReports, noticeOfChange, noticeOfLoss, type Notice } from '../../pipeline/notice.ts';
import { newLoss, newPolicyChange, type Flow, type Loss, type PolicyChange } from '../../schema/records.ts';
import { inOrder, type Item } from './harness.ts';
import { span, T0 } from './scenario.ts';

const AGES_MS = 1e15;

/** A change of NetworkPolicy shop/web by alice, at a time after the beginning. */
export function aChange(at: string, parts: Partial<PolicyChange> = {}): Notice {
  const timeMs = T0 + span(at);
  const change = newPolicyChange({
    id: `change-${at}-${parts.verb ?? 'update'}-${parts.namespace ?? ''}-${parts.name ?? ''}`,
    timeMs,
    cluster: 'test',
    verb: 'update',
    kind: 'NetworkPolicy',
    name: 'web',
  });
  const whole = { ...change, namespace: 'shop', user: 'alice', sourceIps: ['10.1.2.3'], ...parts };
  return noticeOfChange(whole, 'audit:a', AGES_MS);
}

/** So many records lost in the minute before a time. */
export function aLoss(at: string, parts: Partial<Loss> = {}): Notice {
  const untilMs = T0 + span(at);
  const loss = newLoss({
    id: `loss-${at}-${parts.node ?? ''}`,
    where: 'source.ovn',
    sinceMs: untilMs - 60_000,
    untilMs,
  });
  const whole = { ...loss, cluster: 'test', node: 'node-1', collector: 'ovn_acl', count: 10, ...parts };
  return noticeOfLoss(whole, 'file:a', AGES_MS);
}

/** Flows, with what their collector tells of their nodes. */
export function reported(flows: readonly Flow[]): Item[] {
  const report = createReports();
  return inOrder(flows).flatMap((flow) => [flow, report(flow, AGES_MS) ?? []].flat());
}
