/** Checks the section `suppressions`. */
import { z } from 'zod';
import { MAX_AHEAD_MS, type Suppression } from '../../incidents/suppress.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { compileQuery } from '../../query/index.ts';
import { parseMoment } from '../../query/times.ts';
import { isFields, parseComponent } from './component.ts';
import { shown, type Problem } from './problems.ts';
import { nameForm, namePattern } from './schema.ts';

export const suppressionKeys = z.strictObject({
  name: z
    .string()
    .regex(namePattern, `expected ${nameForm}`)
    .describe('What alerts that it hides say in `suppressedBy`.'),
  where: z.string().min(1).describe('KQL filter over alerts: which of them it hides.'),
  until: z
    .string()
    .refine((text) => parseMoment(text) !== null, 'expected a time such as 2026-12-15 or 2026-12-15T18:00Z')
    .describe(
      'Last day or moment of event time, at most 90 days ahead. What nobody looks at again would be forgotten.',
    ),
  reason: z.string().min(1).describe('Why these alerts need nobody.'),
  by: z.string().min(1).describe('Who decided it.'),
  ticket: z.string().min(1).optional().describe('Where it was decided.'),
  includeCritical: z
    .boolean()
    .default(false)
    .describe('Hides alerts of severity critical as well, which are shown otherwise.'),
});

/** Suppressions of a file. One that is over stays, and hides nothing. */
export function parseSuppressions(
  value: unknown,
  nowMs: number,
  report: (problem: Problem) => void,
): Suppression[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    report({ path: ['suppressions'], message: `found ${shown(value)}, expected a list` });
    return [];
  }
  const names = new Set<string>();
  return value.flatMap((item: unknown, i): Suppression[] => {
    const at = ['suppressions', i];
    if (!isFields(item)) {
      report({ path: at, message: `found ${shown(item)}, expected a mapping: a suppression` });
      return [];
    }
    const parsed = parseComponent(item, at, suppressionKeys.pick({}), suppressionKeys);
    parsed.problems.forEach(report);
    if (parsed.options === null) return [];
    const keys = parsed.options as z.output<typeof suppressionKeys>;
    const { fromMs, lengthMs } = parseMoment(keys.until)!;
    const untilMs = fromMs + lengthMs;
    const problems: [string, string][] = [];
    if (untilMs > nowMs + MAX_AHEAD_MS + 86_400_000)
      problems.push(['until', `found '${keys.until}', expected at most 90 days from now`]);
    if (names.has(keys.name)) problems.push(['name', `found a second suppression named '${keys.name}'`]);
    names.add(keys.name);
    try {
      compileQuery('alert', keys.where);
    } catch (error) {
      problems.push(['where', messageOf(error)]);
    }
    for (const [key, message] of problems) report({ path: [...at, key], message });
    const { name, where, reason, by, ticket = null, includeCritical } = keys;
    return problems.length > 0 ? [] : [{ name, where, untilMs, reason, by, ticket, includeCritical }];
  });
}
