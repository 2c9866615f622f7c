import { median } from 'simple-statistics';
import { attackKinds, type AttackKind } from './kinds.ts';
import type { Buckets, CaseScore, VerdictCounts } from './score-case.ts';
import type { WindowCounts } from './windows.ts';

export interface KindTotal {
  readonly kind: AttackKind;
  readonly attacks: number;
  readonly found: number;
  /** From the first malicious flow to the first alert, over found attacks; null when none was. */
  readonly medianDelayMs: number | null;
  /** The same from the first malicious record, by event time. */
  readonly medianShownDelayMs: number | null;
  /** How many each detector found. */
  readonly foundBy: Readonly<Record<string, number>>;
}

export interface DetectorTotal {
  readonly detector: string;
  readonly attacksFound: number;
  /** Attacks that it was the first to find. */
  readonly foundFirst: number;
  readonly medianDelayMs: number | null;
  readonly alerts: VerdictCounts;
  readonly falseEntities: number;
  readonly falsePerHostDay: number | null;
}

export interface Rates {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** Share of positive windows: what a precision must be read beside. */
  readonly baseRate: number | null;
}

export interface Totals {
  readonly cases: number;
  readonly flows: number;
  /** Days of watched hosts with benign traffic and no attack: 24 host windows of an hour in which they had flows. */
  readonly benignHostDays: number;
  readonly unlabelledHostDays: number;
  /** Days of recordings without attacks, however many hosts they show. */
  readonly benignRecordingDays: number;
  readonly kinds: readonly KindTotal[];
  readonly detectors: readonly DetectorTotal[];
  readonly alerts: VerdictCounts;
  readonly groups: VerdictCounts;
  readonly incidents: VerdictCounts;
  readonly attacksInIncidents: number;
  readonly falseAlertsPerHostDay: number | null;
  readonly falseGroupsPerHostDay: number | null;
  readonly hourWindows: WindowCounts & Rates;
  readonly pairs: {
    readonly c2: number;
    readonly c2Found: number;
    readonly benign: number;
    readonly benignFlagged: number;
    readonly benignFlaggedPerHostDay: number | null;
    readonly kubernetes: number;
    readonly kubernetesFlagged: number;
  };
  readonly buckets: {
    readonly benign: number;
    /** Those of them from the second day of their host on. */
    readonly late: number;
    readonly flagged: number;
    readonly share: number | null;
    /** Where the volume detector learns for two hours. */
    readonly soon: Buckets;
  };
}

const HOURS_A_DAY = 24;

export function totalsOf(cases: readonly CaseScore[]): Totals {
  const windows = sumWindows(cases.map(({ hourWindows }) => hourWindows));
  const buckets = sumWindows(cases.map((one) => one.buckets));
  const hostDays = (windows.falsePositives + windows.trueNegatives) / HOURS_A_DAY;
  const perHostDay = (count: number): number | null => (hostDays === 0 ? null : count / hostDays);
  const detectors = detectorTotals(cases, perHostDay);
  const alerts = sumVerdicts(detectors.map((one) => one.alerts));
  const incidents = sumVerdicts(cases.map((one) => one.incidents));
  const byEntity = sumVerdicts(cases.map((one) => one.groups));
  const groups = hasIncidents(cases) ? incidents : byEntity;
  const kubernetes = cases.filter((one) => one.kubernetes);
  const benignFlagged = sum(cases, ({ pairs }) => pairs.benignFlagged);
  return {
    cases: cases.length,
    flows: sum(cases, ({ flows }) => flows),
    benignHostDays: hostDays,
    unlabelledHostDays: windows.unlabelled / HOURS_A_DAY,
    benignRecordingDays:
      sum(
        cases.filter(({ labels }) => labels.malicious === 0 && labels.benign > 0),
        ({ hours }) => hours,
      ) / HOURS_A_DAY,
    kinds: kindTotals(cases),
    detectors,
    alerts,
    groups,
    incidents,
    attacksInIncidents: sum(cases, (one) => one.attacksInIncidents),
    falseAlertsPerHostDay: perHostDay(alerts.false),
    falseGroupsPerHostDay: perHostDay(groups.false),
    hourWindows: { ...windows, ...ratesOf(windows) },
    pairs: {
      c2: sum(cases, ({ pairs }) => pairs.c2),
      c2Found: sum(cases, ({ pairs }) => pairs.c2Found),
      benign: sum(cases, ({ pairs }) => pairs.benign),
      benignFlagged,
      benignFlaggedPerHostDay: perHostDay(benignFlagged),
      kubernetes: sum(kubernetes, ({ pairs }) => pairs.benign),
      kubernetesFlagged: sum(kubernetes, ({ pairs }) => pairs.benignFlagged),
    },
    buckets: {
      benign: buckets.falsePositives + buckets.trueNegatives,
      late: sum(cases, ({ lateBuckets }) => lateBuckets),
      flagged: buckets.falsePositives,
      share: ratio(buckets.falsePositives, buckets.falsePositives + buckets.trueNegatives),
      soon: {
        judged: sum(cases, ({ soonBuckets }) => soonBuckets.judged),
        flagged: sum(cases, ({ soonBuckets }) => soonBuckets.flagged),
      },
    },
  };
}

/** Whether alerts were joined to incidents anywhere; until they are, alerts are grouped by entity. */
export const hasIncidents = (cases: readonly CaseScore[]): boolean =>
  cases.some(({ incidents }) => incidents.true + incidents.false + incidents.unlabelled > 0);

export function ratesOf(counts: WindowCounts): Rates {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const positives = truePositives + falseNegatives;
  return {
    precision: ratio(truePositives, truePositives + falsePositives),
    recall: ratio(truePositives, positives),
    f1: ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    baseRate: ratio(positives, positives + falsePositives + trueNegatives),
  };
}

function kindTotals(cases: readonly CaseScore[]): KindTotal[] {
  const attacks = cases.flatMap((one) => one.attacks);
  return attackKinds.flatMap((kind) => {
    const own = attacks.filter((attack) => attack.kind === kind);
    if (own.length === 0) return [];
    const foundBy: Record<string, number> = {};
    for (const { detector } of own.flatMap((attack) => attack.foundBy))
      foundBy[detector] = (foundBy[detector] ?? 0) + 1;
    const delays = own.flatMap((attack) => attack.foundBy[0]?.afterMs ?? []);
    const shownDelays = own.flatMap((attack) => attack.foundBy[0]?.afterShownMs ?? []);
    return [
      {
        kind,
        attacks: own.length,
        found: delays.length,
        medianDelayMs: medianOf(delays),
        medianShownDelayMs: medianOf(shownDelays),
        foundBy,
      },
    ];
  });
}

function detectorTotals(
  cases: readonly CaseScore[],
  perHostDay: (count: number) => number | null,
): DetectorTotal[] {
  const attacks = cases.flatMap((one) => one.attacks);
  const counts = cases.flatMap((one) => one.detectors);
  const names = [...new Set(counts.map(({ detector }) => detector))].sort((a, b) => (a < b ? -1 : 1));
  return names.map((detector) => {
    const own = counts.filter((one) => one.detector === detector);
    const delays = attacks.flatMap(
      ({ foundBy }) => foundBy.find((one) => one.detector === detector)?.afterMs ?? [],
    );
    const alerts = sumVerdicts(own.map((one) => one.alerts));
    return {
      detector,
      attacksFound: delays.length,
      foundFirst: attacks.filter(({ foundBy }) => foundBy[0]?.detector === detector).length,
      medianDelayMs: medianOf(delays),
      alerts,
      falseEntities: sum(own, ({ falseEntities }) => falseEntities),
      falsePerHostDay: perHostDay(alerts.false),
    };
  });
}

function sumWindows(list: readonly WindowCounts[]): WindowCounts {
  return {
    truePositives: sum(list, (one) => one.truePositives),
    falsePositives: sum(list, (one) => one.falsePositives),
    falseNegatives: sum(list, (one) => one.falseNegatives),
    trueNegatives: sum(list, (one) => one.trueNegatives),
    unlabelled: sum(list, (one) => one.unlabelled),
    unlabelledFlagged: sum(list, (one) => one.unlabelledFlagged),
    neutral: sum(list, (one) => one.neutral),
  };
}

const sumVerdicts = (list: readonly VerdictCounts[]): VerdictCounts => ({
  true: sum(list, (one) => one.true),
  false: sum(list, (one) => one.false),
  unlabelled: sum(list, (one) => one.unlabelled),
});

const sum = <T>(list: readonly T[], value: (one: T) => number): number =>
  list.reduce((total, one) => total + value(one), 0);

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const medianOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : median([...values]);
