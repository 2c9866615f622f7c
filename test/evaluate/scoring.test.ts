import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attacksOf, judgeAttacks } from '../../evaluate/attacks.ts';
import { findingsOf, groupByEntity, groupByIncident } from '../../evaluate/findings.ts';
import { watchedHosts } from '../../evaluate/hosts.ts';
import { countPairs } from '../../evaluate/pairs.ts';
import type { Ran, Seen } from '../../evaluate/run-case.ts';
import { defaultScoring, recordedMs, scoreCase } from '../../evaluate/score-case.ts';
import { ratesOf, totalsOf } from '../../evaluate/totals.ts';
import { countWindows } from '../../evaluate/windows.ts';
import { newIncident, newParty, newStory, type Alert, type Incident } from '../../schema/records.ts';
import { alert, HOUR_MS, seen, T0 } from './make.ts';

const subject = { name: 'made-up', about: '', labels: 'x' };
const found = (alerts: readonly Alert[], flows: readonly Seen[]) =>
  findingsOf(alerts, new Map(flows.map((flow) => [flow.id, flow])), 'low');
const ran = (flows: readonly Seen[], alerts: readonly Alert[], incidents: readonly Incident[] = []): Ran => ({
  flows,
  alerts,
  incidents,
  malformed: 0,
  labelled: flows.length,
});

test('an alert is judged by most of its labelled evidence over all revisions', () => {
  const bad = seen(0, '10.0.0.1', '8.8.8.8', 'malicious', 'c2');
  const good = [seen(0, '10.0.0.1', '9.9.9.9', 'benign'), seen(0, '10.0.0.1', '9.9.9.8', 'benign')];
  const nobody = seen(0, '10.0.0.1', '7.7.7.7', 'unlabelled');
  const all = [bad, ...good, nobody];
  const verdictOf = (...revisions: readonly (readonly Seen[])[]) => {
    const alerts = revisions.map((flows, revision) => alert('x', '10.0.0.1', flows, { id: 'a', revision }));
    return found(alerts, all)[0]?.verdict;
  };
  assert.equal(verdictOf([bad, good[0]!]), 'true');
  assert.equal(verdictOf([bad], good), 'false');
  assert.equal(verdictOf([nobody]), 'unlabelled');
  assert.equal(verdictOf([nobody, good[0]!]), 'false');
});

test('an alert without evidence is judged by what those it names did around it', () => {
  const flows = [seen(0, '10.0.0.1', '9.9.9.9', 'benign'), seen(5, '10.0.0.2', '8.8.8.8', 'malicious', 'c2')];
  const quiet = (entity: string, atHours: number) =>
    alert('silence', entity, [], { firstMs: T0 + atHours * HOUR_MS, lastMs: T0 + atHours * HOUR_MS });
  assert.deepEqual(
    found([quiet('10.0.0.1', 0.5), quiet('10.0.0.2', 5), quiet('10.0.0.1', 5)], flows).map(
      ({ verdict }) => verdict,
    ),
    ['false', 'true', 'unlabelled'],
  );
});

test('an alert counts from the revision on in which it has the severity, and not when suppressed', () => {
  const flow = seen(0, '10.0.0.1', '8.8.8.8', 'malicious', 'c2');
  const revisions = [
    alert('x', '10.0.0.1', [flow], { id: 'a', severity: 'info', raisedMs: T0 }),
    alert('x', '10.0.0.1', [flow], { id: 'a', revision: 1, severity: 'high', raisedMs: T0 + 5000 }),
    alert('x', '10.0.0.1', [flow], { id: 'b', severity: 'info' }),
    alert('x', '10.0.0.1', [flow], { id: 'c', suppressedBy: 'a rule' }),
  ];
  const findings = found(revisions, [flow]);
  assert.deepEqual(
    findings.map(({ id, severity, raisedMs }) => ({ id, severity, afterMs: raisedMs - T0 })),
    [{ id: 'a', severity: 'high', afterMs: 5000 }],
  );
});

test('attacks are descriptions by initiators, answers are part of them, a crowd is one', () => {
  const flows = [
    seen(0, '10.0.0.1', '10.0.0.2', 'malicious', 'icmp scan'),
    seen(0, '10.0.0.2', '10.0.0.1', 'malicious', 'icmp scan'),
    seen(0, '10.0.0.1', '10.0.0.3', 'malicious', 'icmp scan'),
    seen(0, '10.0.0.9', '10.0.0.3', 'malicious', 'icmp scan'),
    ...Array.from({ length: 21 }, (_, i) => seen(1, `10.1.0.${i}`, '10.0.0.5', 'malicious', 'synflood')),
    seen(1, '10.0.0.1', '10.0.0.2', 'benign', 'icmp scan'),
  ];
  assert.deepEqual(
    attacksOf(flows, subject).map(({ detail, kind, flows: own }) => [detail, kind, own.length]),
    [
      ['icmp scan', 'scan', 3],
      ['icmp scan', 'scan', 1],
      ['synflood', 'flood', 21],
    ],
  );
});

test('an attack is found by true alerts with one of its flows, the first of each detector', () => {
  const flows = [0, 1, 2].map((i) => seen(i, '10.0.0.1', '8.8.8.8', 'malicious', 'beacon'));
  const calm = [seen(0, '10.0.0.1', '9.9.9.9', 'benign'), seen(0, '10.0.0.1', '9.9.9.9', 'benign')];
  const alerts = [
    alert('slow', '10.0.0.1', [flows[2]!]),
    alert('fast', '10.0.0.1', [flows[1]!]),
    alert('fast', '10.0.0.1', [flows[2]!]),
    // Has a flow of the attack by chance, while most of its evidence is benign: found nothing.
    alert('lucky', '10.0.0.1', [flows[0]!, ...calm]),
  ];
  const judged = judgeAttacks(attacksOf(flows, subject), found(alerts, [...flows, ...calm]));
  assert.deepEqual(judged, [
    {
      detail: 'beacon',
      kind: 'c2',
      flows: 3,
      foundBy: [
        { detector: 'fast', afterMs: HOUR_MS, afterShownMs: HOUR_MS },
        { detector: 'slow', afterMs: 2 * HOUR_MS, afterShownMs: 2 * HOUR_MS },
      ],
    },
  ]);
});

test('watched hosts begin what is answered or answer what is outside', () => {
  const flows = [
    seen(0, '10.0.0.1', '8.8.8.8', 'benign'),
    seen(0, '10.0.0.1', '10.0.0.53', 'benign'),
    seen(0, '8.8.4.4', '10.0.0.80', 'benign'),
    seen(0, '10.66.0.1', '10.0.0.80', 'malicious', 'synflood', false),
    seen(0, '10.0.0.1', '239.1.1.1', 'benign'),
  ];
  assert.deepEqual([...watchedHosts(flows)].toSorted(), ['10.0.0.1', '10.0.0.80']);
  // Nobody inside: those that are part of a tenth of the flows.
  const outside = Array.from({ length: 20 }, (_, i) => seen(i, `5.5.5.${i}`, '6.6.6.6', 'benign'));
  assert.deepEqual([...watchedHosts(outside)], ['6.6.6.6']);
});

test('host windows of an hour, counted by hand', () => {
  const hosts = new Set(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const attack = seen(1.5, '10.0.0.1', '8.8.8.8', 'malicious', 'c2');
  const missed = seen(2.5, '10.0.0.1', '8.8.8.8', 'malicious', 'c2');
  const flows = [
    seen(0.5, '10.0.0.1', '9.9.9.9', 'benign'), // hour 0 of .1: negative, not flagged
    attack, // hour 1 of .1: positive, found
    missed, // hour 2 of .1: positive, flagged by a false alert alone
    seen(3.5, '10.0.0.2', '9.9.9.9', 'benign'), // hour 3 of .2: negative, flagged
    seen(4.5, '10.0.0.2', '9.9.9.9', 'unlabelled'), // hour 4 of .2: nobody knows
    seen(5.5, '10.0.0.1', '10.0.0.3', 'malicious', 'lateral'), // hour 5: .1 positive and missed, .3 neutral
    seen(6.5, '8.8.8.8', '10.0.0.3', 'malicious', 'exploit'), // hour 6 of .3: positive, attacked from outside, missed
    seen(7.5, '8.8.8.8', '9.9.9.9', 'benign'), // no host of ours
  ];
  const wrong = flows[3]!;
  const alerts = [
    alert('x', '10.0.0.1', [attack]),
    alert('x', '10.0.0.1', [flows[0]!], { firstMs: missed.endMs, lastMs: missed.endMs }),
    alert('x', '10.0.0.2', [wrong]),
  ];
  const counts = countWindows(flows, hosts, found(alerts, flows), HOUR_MS);
  assert.deepEqual(counts, {
    truePositives: 1,
    falsePositives: 1,
    falseNegatives: 3,
    trueNegatives: 1,
    unlabelled: 1,
    unlabelledFlagged: 0,
    neutral: 1,
  });
  // Precision 1/2, recall 1/4, F1 2 / (2 + 1 + 3), base rate 4/6.
  assert.deepEqual(ratesOf(counts), { precision: 0.5, recall: 0.25, f1: 2 / 6, baseRate: 4 / 6 });
});

test('an alert about something outside flags the host it names, one about a host only that host', () => {
  const hosts = new Set(['10.0.0.1', '10.0.0.2']);
  const flows = [
    seen(0.1, '8.8.8.8', '10.0.0.1', 'malicious', 'exploit'),
    seen(0.2, '10.0.0.2', '10.0.0.1', 'benign'),
  ];
  const target = { ...alert('x', '10.0.0.1', flows).entity };
  const outside = found([alert('x', '8.8.8.8', [flows[0]!], { target })], flows);
  assert.equal(countWindows(flows, hosts, outside, HOUR_MS).truePositives, 1);
  const inside = found([alert('x', '10.0.0.2', [flows[1]!], { target })], flows);
  const counts = countWindows(flows, hosts, inside, HOUR_MS);
  assert.deepEqual([counts.truePositives, counts.falsePositives], [0, 1]);
});

test('beacon pairs need four connections, and are flagged by the beacon detector alone', () => {
  const four = (source: string, destination: string, truth: 'malicious' | 'benign', detail = '') =>
    [0, 1, 2, 3].map((i) => seen(i, source, destination, truth, detail));
  const c2 = four('10.0.0.1', '8.8.8.8', 'malicious', 'sliver_tasks_0');
  const brute = four('10.0.0.7', '10.0.0.8', 'malicious', 'ssh brute');
  const probe = four('10.0.0.2', '10.0.0.3', 'benign');
  const calm = four('10.0.0.2', '9.9.9.9', 'benign');
  const rare = [seen(0, '10.0.0.4', '9.9.9.9', 'benign')];
  const flows = [...c2, ...brute, ...probe, ...calm, ...rare];
  const alerts = [
    alert('beacon', '10.0.0.1', [c2[0]!]),
    alert('beacon', '10.0.0.2', [probe[0]!]),
    alert('port_scan', '10.0.0.2', [calm[0]!]),
  ];
  assert.deepEqual(countPairs(flows, subject, found(alerts, flows), 'beacon'), {
    c2: 1,
    c2Found: 1,
    benign: 2,
    benignFlagged: 1,
  });
});

test('alerts of one entity are one group until an hour passes; incidents take their place', () => {
  const flows = [0, 0.9, 3].map((at) => seen(at, '10.0.0.1', '9.9.9.9', 'benign'));
  const other = seen(0, '10.0.0.2', '8.8.8.8', 'malicious', 'c2');
  const alerts = [...flows.map((flow) => alert('x', '10.0.0.1', [flow])), alert('x', '10.0.0.2', [other])];
  const findings = found(alerts, [...flows, other]);
  const groups = groupByEntity(findings);
  assert.deepEqual(
    groups.map((group) => [group.findings.length, group.verdict]),
    [
      [2, 'false'],
      [1, 'true'],
      [1, 'false'],
    ],
  );
  const incident = incidentOf(alerts);
  assert.deepEqual(
    groupByIncident([incident], findings, 'low').map((group) => [group.findings.length, group.verdict]),
    [[4, 'true']],
  );
  assert.deepEqual(groupByIncident([incident], findings, 'critical'), []);
  // A later revision takes the place of an earlier one.
  const later = { ...incidentOf([]), revision: 1 };
  assert.deepEqual(groupByIncident([later, incident], findings, 'low'), []);
  const score = scoreCase(subject, ran([...flows, other], alerts, [incident]), defaultScoring);
  assert.deepEqual([score.incidents, score.attacksInIncidents], [{ true: 1, false: 0, unlabelled: 0 }, 1]);
  assert.deepEqual(totalsOf([score]).groups, { true: 1, false: 0, unlabelled: 0 });
});

function incidentOf(alerts: readonly Alert[]): Incident {
  const incident = newIncident({
    id: 'i',
    revision: 0,
    cluster: 'default',
    entity: newParty({ key: 'ip/10.0.0.1' }),
    score: 1,
    firstMs: T0,
    lastMs: T0,
    story: newStory({ summary: 'made up' }),
  });
  incident.severity = 'high';
  incident.alerts = alerts.map(({ id, detector, severity, firstMs }) => ({
    id,
    detector,
    severity,
    timeMs: firstMs,
    line: '',
  }));
  return incident;
}

test('a case and the sum of two, counted by hand', () => {
  // 24 hours of one benign host with two false alerts of one group, and an attack that is found after 30 minutes.
  const calm = Array.from({ length: 24 }, (_, hour) => seen(hour + 0.1, '10.0.0.1', '9.9.9.9', 'benign'));
  const quiet = scoreCase(
    subject,
    ran(calm, [alert('volume', '10.0.0.1', [calm[3]!]), alert('beacon', '10.0.0.1', [calm[4]!])]),
    defaultScoring,
  );
  assert.equal(quiet.hosts, 1);
  assert.equal(quiet.hours, 23);
  assert.deepEqual(quiet.groups, { true: 0, false: 1, unlabelled: 0 });
  assert.deepEqual([quiet.hourWindows.falsePositives, quiet.hourWindows.trueNegatives], [2, 22]);
  assert.deepEqual([quiet.buckets.falsePositives, quiet.buckets.trueNegatives], [1, 23]);
  const bad = [
    seen(0.2, '10.0.0.9', '10.0.0.8', 'malicious', 'port scan'),
    seen(0.7, '10.0.0.9', '10.0.0.8', 'malicious', 'port scan'),
  ];
  const loud = scoreCase(
    { ...subject, name: 'k8s-x' },
    ran(bad, [alert('port_scan', '10.0.0.9', [bad[1]!])]),
    defaultScoring,
  );
  const totals = totalsOf([quiet, loud]);
  assert.equal(totals.benignHostDays, 1);
  assert.equal(totals.falseAlertsPerHostDay, 2);
  assert.equal(totals.falseGroupsPerHostDay, 1);
  assert.equal(totals.benignRecordingDays, 23 / 24);
  assert.equal(totals.buckets.share, 1 / 24);
  assert.deepEqual(totals.kinds, [
    {
      kind: 'scan',
      attacks: 1,
      found: 1,
      medianDelayMs: HOUR_MS / 2,
      medianShownDelayMs: HOUR_MS / 2,
      foundBy: { port_scan: 1 },
    },
  ]);
  assert.deepEqual(totals.pairs, {
    c2: 0,
    c2Found: 0,
    benign: 1,
    benignFlagged: 1,
    benignFlaggedPerHostDay: 1,
    kubernetes: 0,
    kubernetesFlagged: 0,
  });
  // One positive window found; two of 24 negative ones flagged.
  assert.equal(totals.hourWindows.precision, 1 / 3);
  assert.equal(totals.hourWindows.f1, 2 / 4);
  assert.deepEqual(
    totals.detectors.map(({ detector, attacksFound, foundFirst, falsePerHostDay }) => [
      detector,
      attacksFound,
      foundFirst,
      falsePerHostDay,
    ]),
    [
      ['beacon', 0, 0, 1],
      ['port_scan', 1, 1, 0],
      ['volume', 0, 0, 1],
    ],
  );
});

test('spans of a host count as late from a day after its first flow on, unless something malicious is in them', () => {
  const flows = [
    seen(0.1, '10.0.0.1', '9.9.9.9', 'benign'),
    seen(24.05, '10.0.0.1', '9.9.9.9', 'benign'),
    seen(24.5, '10.0.0.1', '9.9.9.9', 'benign'),
    seen(30, '10.0.0.1', '9.9.9.9', 'benign'),
    seen(30.01, '10.0.0.1', '9.9.9.9', 'malicious', 'port scan'),
    seen(40, '10.0.0.2', '9.9.9.9', 'benign'),
  ];
  assert.equal(scoreCase(subject, ran(flows, []), defaultScoring).lateBuckets, 1);
});

test('nothing to divide by gives no number', () => {
  const totals = totalsOf([]);
  assert.equal(totals.falseAlertsPerHostDay, null);
  assert.equal(totals.hourWindows.f1, null);
  assert.equal(totals.buckets.share, null);
});

test('gaps between recordings are not recorded time', () => {
  assert.equal(recordedMs([0, HOUR_MS, 100 * HOUR_MS, 101 * HOUR_MS]), 2 * HOUR_MS);
  assert.equal(recordedMs([5]), 0);
});
