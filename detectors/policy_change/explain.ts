import type { Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { OpenAlert } from '../open-alert.ts';
import { counted, duration, factor, listed, severityScore, whom } from '../words.ts';
import type { Finding } from './finding.ts';

/** Names of the rules, as alerts show them. */
export const rules = {
  opened: 'Policy lets everything through',
  deleted: 'Policy deleted',
  logging_off: 'Policy logging turned off',
  follows: 'Newly allowed after a policy change',
} as const;

const FACTORS: Readonly<Record<string, string>> = {
  [rules.opened]: 'policies_opened',
  [rules.deleted]: 'policies_deleted',
  [rules.logging_off]: 'policy_loggings_turned_off',
};

/** What a change is by itself. A policy that lets everything through by its name alone is one step less. */
export const severityOf = (finding: Finding, isByName: boolean): Severity =>
  finding === 'opened' && !isByName ? 'high' : 'medium';

/** Says who changed what, how often they do so, and what to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  return alert.rule === rules.follows ? explainFlows(alert) : explainChanges(alert);
}

function explainChanges(alert: OpenAlert): Explanation {
  const { facts, peers } = alert;
  const [actor = 'somebody unknown'] = peers;
  const usual = facts['usual'] ?? 0;
  const more = alert.count > 1 ? ` and ${counted(alert.count - 1, 'change')} more of this kind` : '';
  const span = duration(alert.lastMs - alert.firstMs);
  const history = `seen for ${duration(facts['historyMs'] ?? 0)}, ${usual.toFixed(1)} such changes a day`;
  const why = newWhy({
    summary: `${alert.note ?? ''}${more} in ${span} (${actor}: ${history}). Ask ${askedOf(actor)} which change request it belongs to; if there is none, undo it and look at what ${placeOf(alert)} let through since.`,
  });
  why.factors = [
    factor(FACTORS[alert.rule] ?? 'changes', alert.count, usual, facts['threshold'] ?? 1),
    factor('usual_changes_a_day', usual, null, null),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['isLearning'] === 1;
  return { score: severityScore(alert.severity), why };
}

function askedOf(actor: string): string {
  const account = /^system:serviceaccount:([^:]+):(.+)$/.exec(actor);
  if (account) return `the owner of service account ${account[1]}/${account[2]}`;
  return actor === 'somebody unknown' ? 'whoever may change policies there' : actor;
}

const placeOf = ({ entity }: OpenAlert): string =>
  entity.namespace === null ? 'the cluster' : `namespace ${entity.namespace}`;

function explainFlows(alert: OpenAlert): Explanation {
  const { facts, peers } = alert;
  const name = alert.about === 'source' ? alert.sourceName : alert.destinationName;
  const did = alert.about === 'source' ? 'reached' : 'was reached by';
  const denied = facts['denied'] ?? 0;
  const before = denied > 0 ? `, ${denied} of them denied before` : ', none seen before';
  const why = newWhy({
    summary: `${alert.note ?? ''}, and within ${duration(facts['afterMs'] ?? 0)} ${name} ${did} ${listed(peers, peers.length)} for the first time (${counted(alert.count, 'new connection')}${before}). Ask ${whom(alert)} whether that was meant; if not, undo the change.`,
  });
  why.factors = [
    factor('newly_allowed_connections', alert.count, 0, 1),
    factor('of_them_denied_before', denied, 0, null),
    factor(
      'minutes_after_the_change',
      (facts['afterMs'] ?? 0) / 60_000,
      null,
      facts['followMinutes'] ?? null,
    ),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['isLearning'] === 1;
  return { score: severityScore(alert.severity), why };
}
