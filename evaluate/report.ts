import { colours } from '../cli/format/colours.ts';
import { tableLines, type Column } from '../cli/format/table.ts';
import { anchors, measures, sources, targets, type Measure } from './anchors.ts';
import type { CaseScore, VerdictCounts } from './score-case.ts';
import { hasIncidents, totalsOf, type Totals } from './totals.ts';

/** What could not be scored, by name. */
export interface Failed {
  readonly name: string;
  readonly reason: string;
}

export interface Report {
  /** Scored by the alerts that reach somebody. */
  readonly cases: readonly CaseScore[];
  /** The same cases scored by alerts of every severity. */
  readonly anySeverity: readonly CaseScore[];
  readonly failed: readonly Failed[];
  readonly notes: readonly string[];
  /** Options of each detector as they were used. */
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** How scoring itself was set. */
  readonly scoring: Readonly<Record<string, string | number>>;
}

/** The whole report as a person reads it. */
export function reportLines(report: Report): string[] {
  const { cases } = report;
  const totals = totalsOf(cases);
  const any = totalsOf(report.anySeverity);
  const least = String(report.scoring['least_severity']);
  const heldOut = cases.filter(({ tuned }) => !tuned);
  const isMixed = heldOut.length > 0 && heldOut.length < cases.length;
  return [
    ...section('Cases', caseLines(cases)),
    ...section('Attacks by kind', kindLines(totals, any)),
    ...section(`Detectors, alerts of severity ${least} and above`, detectorLines(totals)),
    ...section('Detectors, all alerts', detectorLines(any)),
    ...section('Beside others', besideLines(totals, any, least)),
    ...(isMixed
      ? section(
          'Beside others, cases that nothing was tuned on',
          besideLines(totalsOf(heldOut), totalsOf(report.anySeverity.filter(({ tuned }) => !tuned)), least),
        )
      : []),
    ...section('Units', unitLines(report, totals)),
    ...section('Thresholds', thresholdLines(report)),
    ...(report.failed.length > 0
      ? section(
          'Not scored',
          report.failed.map(({ name, reason }) => `${name}: ${reason}`),
        )
      : []),
    ...(report.notes.length > 0 ? section('Notes', report.notes) : []),
  ];
}

const section = (title: string, lines: readonly string[]): string[] => [title.toUpperCase(), ...lines, ''];

const lines = <T>(rows: readonly T[], columns: readonly Column<T>[]): string[] =>
  tableLines(columns, rows, { width: null, colours: colours(false) });

const right = <T>(title: string, text: (row: T) => string | null): Column<T> => ({
  title,
  text,
  align: 'right',
});

function caseLines(cases: readonly CaseScore[]): string[] {
  return lines(cases, [
    { title: 'case', text: ({ name }) => name },
    { title: 'tuned', text: ({ tuned }) => (tuned ? 'tuned' : 'held out') },
    right('flows', ({ flows }) => String(flows)),
    right('malicious', ({ labels }) => String(labels.malicious)),
    right('hours', ({ hours }) => number(hours)),
    right('hosts', ({ hosts }) => String(hosts)),
    right('attacks', ({ attacks }) => String(attacks.length)),
    right('found', ({ attacks }) => String(attacks.filter(({ foundBy }) => foundBy.length > 0).length)),
    right('first after', ({ attacks }) =>
      duration(least(attacks.flatMap(({ foundBy }) => foundBy[0]?.afterMs ?? []))),
    ),
    right('alerts t/f/u', ({ detectors }) => verdicts(detectors.map(({ alerts }) => alerts))),
    right('groups t/f/u', (one) => verdicts([hasIncidents(cases) ? one.incidents : one.groups])),
    right('windows tp/fp/fn/tn', ({ hourWindows: w }) =>
      [w.truePositives, w.falsePositives, w.falseNegatives, w.trueNegatives].join('/'),
    ),
    { title: 'notes', text: ({ notes }) => (notes.length === 0 ? '' : notes.join('; ')) },
  ]);
}

function kindLines(totals: Totals, any: Totals): string[] {
  return lines(totals.kinds, [
    { title: 'kind', text: ({ kind }) => kind },
    right('attacks', ({ attacks }) => String(attacks)),
    right('found', ({ found }) => String(found)),
    right('median delay', ({ medianDelayMs }) => duration(medianDelayMs)),
    right('by event time', ({ medianShownDelayMs }) => duration(medianShownDelayMs)),
    right('found, info too', ({ kind }) => String(any.kinds.find((one) => one.kind === kind)?.found ?? 0)),
    {
      title: 'by',
      text: ({ kind }) =>
        Object.entries(any.kinds.find((one) => one.kind === kind)?.foundBy ?? {})
          .map(([detector, count]) => `${detector} ${count}`)
          .join(', ') || '-',
    },
  ]);
}

function detectorLines(totals: Totals): string[] {
  return lines(totals.detectors, [
    { title: 'detector', text: ({ detector }) => detector },
    right('attacks found', ({ attacksFound }) => String(attacksFound)),
    right('first', ({ foundFirst }) => String(foundFirst)),
    right('median delay', ({ medianDelayMs }) => duration(medianDelayMs)),
    right('alerts t/f/u', ({ alerts }) => verdicts([alerts])),
    right('false entities', ({ falseEntities }) => String(falseEntities)),
    right('false a host-day', ({ falsePerHostDay }) => number(falsePerHostDay)),
  ]);
}

interface Beside {
  readonly measure: string;
  readonly who: string;
  readonly value: string;
}

function besideLines(totals: Totals, any: Totals, least: string): string[] {
  const rows = (Object.keys(measures) as Measure[]).flatMap((measure): Beside[] => [
    { measure: measures[measure], who: `Weir here, ${least} and above`, value: ours[measure](totals) },
    { measure: '', who: 'Weir here, info too', value: ours[measure](any) },
    ...(measure === 'volume' ? [soonRow(totals)] : []),
    { measure: '', who: 'target', value: targets[measure] },
    ...anchors
      .filter((anchor) => anchor.measure === measure)
      .map(({ tool, value, source }) => ({ measure: '', who: `${tool} (${source})`, value })),
  ]);
  return [
    ...lines(rows, [
      { title: 'measure', text: ({ measure }) => measure },
      { title: 'who', text: ({ who }) => who },
      { title: 'value', text: ({ value }) => value },
    ]),
    ...Object.entries(sources).map(([key, text]) => `(${key}) ${text}`),
  ];
}

const soonRow = ({ buckets: { soon } }: Totals): Beside => ({
  measure: '',
  who: 'Weir here, learned for 2 h, info too',
  value: `${percent(soon.judged === 0 ? null : soon.flagged / soon.judged)} (${soon.flagged} of ${soon.judged})`,
});

/** Our own number for each measure. */
const ours: Readonly<Record<Measure, (totals: Totals) => string>> = {
  scans(totals) {
    const scans = totals.kinds.find(({ kind }) => kind === 'scan');
    const falseSources =
      totals.detectors.find(({ detector }) => detector === 'port_scan')?.falseEntities ?? 0;
    if (!scans) return `no scans / ${falseSources} / -`;
    return `${scans.found} of ${scans.attacks} / ${falseSources} / ${duration(scans.medianShownDelayMs)} by event time, ${duration(scans.medianDelayMs)} from the first flow's begin`;
  },
  c2: ({ pairs }) => `${pairs.c2Found} of ${pairs.c2}`,
  benignPairs: ({ pairs }) =>
    `${number(pairs.benignFlaggedPerHostDay)} (${pairs.benignFlagged} of ${pairs.benign})`,
  kubernetesPairs: ({ pairs }) => `${pairs.kubernetesFlagged} of ${pairs.kubernetes}`,
  volume: ({ buckets }) =>
    `${percent(buckets.share)} (${buckets.flagged} of ${buckets.benign}, ${buckets.late} from the second day of their host on)`,
  falseAlerts: (totals) =>
    `${number(totals.falseGroupsPerHostDay)} (${totals.groups.false} in ${number(totals.benignHostDays)} host-days)`,
  benignWindows: ({ hourWindows: { falsePositives, trueNegatives } }) =>
    `${number(falsePositives + trueNegatives === 0 ? null : falsePositives / (falsePositives + trueNegatives))} (${falsePositives} of ${falsePositives + trueNegatives})`,
  windows: ({ hourWindows: w }) =>
    `${number(w.f1)} (precision ${number(w.precision)}, recall ${number(w.recall)}, base rate ${number(w.baseRate)})`,
};

function unitLines(report: Report, totals: Totals): string[] {
  const w = totals.hourWindows;
  return [
    `An attack is all malicious flows of one description by one initiator (by all, where they are more than 20). It is found by`,
    `an alert most of whose labelled evidence is malicious and that has one of its flows as evidence. Such an alert is true (t); one`,
    `with mostly benign evidence is false (f); one with none labelled is unlabelled (u) and counts as neither.`,
    `A host-day is 24 host windows of an hour with benign flows and no attack: ${number(totals.benignHostDays)} here, over ${number(totals.benignRecordingDays)} days of`,
    `recordings without attacks. Windows: ${w.truePositives + w.falseNegatives} positive, ${w.falsePositives + w.trueNegatives} negative, ${w.unlabelled} unlabelled of which ${w.unlabelledFlagged} flagged,`,
    `${w.neutral} left out because the host was merely attacked from inside. A positive window is found by a true alert alone, a negative one`,
    `is flagged by any.`,
    `A delay runs from the begin of the first malicious flow to the alert; by event time, from the first malicious record, which comes`,
    `when its connection has ended.`,
    `Groups are ${hasIncidents(report.cases) ? `incidents, which hold ${totals.attacksInIncidents} of the attacks` : 'alerts of one entity with at most an hour between them, since nothing joined them to incidents'}.`,
    `Beacon pairs have at least four connections; volume buckets are five minutes of a host.`,
    `No case carries policy verdicts: whether a contact failed is read from the state of the connection, so detectors of denied traffic`,
    `cannot be measured here.`,
  ];
}

function thresholdLines({ thresholds, scoring }: Report): string[] {
  return [
    ...Object.entries(scoring).map(([name, value]) => `scoring.${name} = ${value}`),
    ...Object.entries(thresholds).flatMap(([detector, options]) =>
      Object.entries(options).map(([name, value]) => `${detector}.${name} = ${JSON.stringify(value)}`),
    ),
  ];
}

function verdicts(list: readonly VerdictCounts[]): string {
  const sum = { true: 0, false: 0, unlabelled: 0 };
  for (const one of list) {
    sum.true += one.true;
    sum.false += one.false;
    sum.unlabelled += one.unlabelled;
  }
  return `${sum.true}/${sum.false}/${sum.unlabelled}`;
}

const least = (values: readonly number[]): number | null =>
  values.length === 0 ? null : Math.min(...values);

function duration(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

const number = (value: number | null): string =>
  value === null ? '-' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

const percent = (share: number | null): string => (share === null ? '-' : `${(share * 100).toFixed(2)} %`);
