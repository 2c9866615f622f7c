import type { Alert } from '../../schema/records.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { tableLines, type Column } from '../format/table.ts';
import { countText, numberText } from '../format/units.ts';
import { paintOf, print, widthOf, type Format } from './ask.ts';
import type { World } from './command.ts';

/** What one rule of one detector has cost its readers. */
interface RuleStats {
  readonly detector: string;
  readonly rule: string;
  alerts: number;
  suppressed: number;
}

/** Rules by how many alerts they raised, the loudest first. */
export function statsOf(alerts: readonly Alert[]): RuleStats[] {
  const rules = new Map<string, RuleStats>();
  for (const { detector, rule, suppressedBy } of alerts) {
    const key = JSON.stringify([detector, rule]);
    let stats = rules.get(key);
    if (!stats) rules.set(key, (stats = { detector, rule, alerts: 0, suppressed: 0 }));
    stats.alerts++;
    if (suppressedBy !== null) stats.suppressed++;
  }
  return [...rules.values()].sort(
    (a, b) => b.alerts - a.alerts || a.detector.localeCompare(b.detector) || a.rule.localeCompare(b.rule),
  );
}

const shareText = ({ suppressed, alerts }: RuleStats): string =>
  `${Math.round((suppressed / alerts) * 100)} %`;

const columns: readonly Column<RuleStats>[] = [
  { title: 'ALERTS', text: (rule) => numberText(rule.alerts), align: 'right', shrink: false },
  { title: 'SUPPRESSED', text: shareText, align: 'right', shrink: false },
  { title: 'DETECTOR', text: (rule) => rule.detector, shrink: false },
  { title: 'RULE', text: (rule) => rule.rule, min: 16 },
];

export async function printStats(
  alerts: readonly Alert[],
  format: Format,
  world: World,
  banner: string,
): Promise<void> {
  const rules = statsOf(alerts);
  if (format === 'json') return print(world, rules.map(jsonLine).join(''));
  if (format === 'csv') {
    const rows = rules.map((rule) => csvLine([rule.detector, rule.rule, rule.alerts, rule.suppressed]));
    return print(world, csvLine(['detector', 'rule', 'alerts', 'suppressed']) + rows.join(''));
  }
  const paint = paintOf(world);
  const lines =
    rules.length === 0 ? [] : tableLines(columns, rules, { width: widthOf(world), colours: paint });
  const footer = paint.dim(`${countText(rules.length, 'rule')}, ${countText(alerts.length, 'alert')}`);
  await print(world, `${banner ? `${banner}\n` : ''}${[...lines, footer].join('\n')}\n`);
}
