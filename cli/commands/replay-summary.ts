import type { Alert, Severity } from '../../schema/records.ts';
import { colours, wantsColour } from '../format/colours.ts';
import { severityStyle } from '../format/records.ts';
import { safeText, wrap } from '../format/text.ts';
import { countText, numberText } from '../format/units.ts';
import type { World } from './command.ts';

/** What a replay has come to. */
export interface Judged {
  records: number;
  flows: number;
  readonly verdicts: Map<string, number>;
  /** The latest revision of each. */
  readonly alerts: Map<string, Alert>;
  malformed: number;
  /** The first of them: file, position, what was expected and found. */
  readonly places: string[];
}

export const nothingJudged = (): Judged => ({
  records: 0,
  flows: 0,
  verdicts: new Map(),
  alerts: new Map(),
  malformed: 0,
  places: [],
});

export const SHOWN_PLACES = 5;
const SHOWN_ALERTS = 20;
/** Columns before the text of an alert. */
const INDENT = 26;
const worst: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

export interface SummaryOptions {
  readonly world: Pick<World, 'stderr' | 'env'>;
  /** Null where nothing was to be kept. */
  readonly kept: { readonly problem: string | null } | null;
}

/** The last words of a replay: how much, of what kind, the worst alerts, and the first malformed places. */
export function summary(judged: Judged, { world, kept }: SummaryOptions): string {
  const paint = colours(wantsColour(world.stderr, world.env));
  const width = world.stderr.isTTY ? Math.max(INDENT + 30, world.stderr.columns ?? 120) : null;
  const alerts = [...judged.alerts.values()].sort(
    (a, b) => worst.indexOf(a.severity) - worst.indexOf(b.severity) || a.firstMs - b.firstMs,
  );
  const severities = worst.map((severity): [string, number] => [
    severity,
    alerts.filter((alert) => alert.severity === severity).length,
  ]);
  const verdicts = [...judged.verdicts].sort((a, b) => b[1] - a[1]);
  const lines = [
    `records    ${numberText(judged.records)}`,
    `flows      ${numberText(judged.flows)}${inBrackets(verdicts)}`,
    `alerts     ${numberText(alerts.length)}${inBrackets(severities)}`,
  ];
  for (const { severity, detector, why } of alerts.slice(0, SHOWN_ALERTS)) {
    const [first = '', ...more] = wrap(safeText(why.summary), width === null ? null : width - INDENT);
    const head = `  ${severityStyle(severity, paint)(severity.padEnd(8))} ${detector.padEnd(INDENT - 12)} `;
    lines.push(`${head}${first}`, ...more.map((line) => ' '.repeat(INDENT) + line));
  }
  if (alerts.length > SHOWN_ALERTS) lines.push(`  … and ${numberText(alerts.length - SHOWN_ALERTS)} more`);
  lines.push(`malformed  ${numberText(judged.malformed)}`);
  for (const place of judged.places) lines.push(`  ${safeText(place)}`);
  if (judged.malformed > judged.places.length && judged.places.length > 0)
    lines.push(`  … and ${numberText(judged.malformed - judged.places.length)} more`);
  if (kept?.problem === null)
    lines.push(
      `kept       ${countText(judged.flows, 'flow')} and ${countText(alerts.length, 'alert')}, until the next replay: weir search --replayed`,
    );
  else if (kept) lines.push(`kept       nothing: ${safeText(kept.problem ?? '')}`);
  return `${lines.join('\n')}\n`;
}

function inBrackets(counts: readonly (readonly [string, number])[]): string {
  const parts = counts
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${numberText(count)} ${name}`);
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}
