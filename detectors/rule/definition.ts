import { z } from 'zod';
import { duration } from '../../pipeline/units.ts';
import { Severities } from '../../schema/records.ts';
import { subjectKinds } from './subject.ts';

/** One test of a rule, written beside it. */
const testCase = z.strictObject({
  name: z.string().min(1).describe('What it shows, in words.'),
  flows: z
    .array(z.record(z.string(), z.unknown()))
    .max(1000)
    .default([])
    .describe(
      'Flows in short: `at` (after the beginning), `times` and `every`, and any field of a flow by its name.',
    ),
  changes: z
    .array(z.record(z.string(), z.unknown()))
    .max(1000)
    .default([])
    .describe('The same for a rule over policy changes, with any field of one.'),
  expect: z
    .union([z.literal('silence'), z.int().min(1), z.array(z.string().min(1)).min(1)], {
      error: "expected 'silence', the number of alerts, or a list of their messages",
    })
    .describe('`silence`, how many alerts open, or the message of each in order.'),
});

/** A rule as it is written. What only a look at fields and queries can tell is in `check.ts`. */
export const definition = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'expected a name of at most 63 letters, digits, `-` and `_`')
    .describe('Name of the rule, as alerts show it; unique over all files.'),
  description: z.string().min(1).optional().describe('What it finds and why that matters, for people.'),
  enabled: z.boolean().default(true).describe('Whether the rule runs.'),
  over: z
    .enum(subjectKinds)
    .default('flow')
    .describe('The kind of record it looks at; where this page says flow, it is that.'),
  where: z.string().min(1).describe('KQL over the fields of a flow: which flows it looks at.'),
  groupBy: z
    .array(z.string().min(1))
    .max(8)
    .default([])
    .describe(
      'Fields of a flow: what is measured, and alerts, for each combination of their values. The whole cluster when empty.',
    ),
  about: z
    .enum(['source', 'destination'])
    .optional()
    .describe('Whom the alert is about; the side that `groupBy` names first when absent.'),
  when: z
    .strictObject({
      count: z.string().optional().describe("Number of flows, such as '>= 10'."),
      rate: z.string().optional().describe("Flows over time, measured within the window, such as '>= 50/s'."),
      sum: z
        .string()
        .optional()
        .describe("Sum of a field, or of several, such as 'sourceBytes + destinationBytes >= 1GiB'."),
      distinct: z
        .string()
        .optional()
        .describe("Number of distinct values of a field, such as 'destination.port >= 20'."),
      ratio: z
        .string()
        .optional()
        .describe(
          "Beside count, rate or sum: how many times the group's own mean it must be as well, such as '>= 5'.",
        ),
      history: duration()
        .optional()
        .describe(
          'With ratio: how long a group is watched before it can alert, and how long its mean remembers.',
        ),
      sequence: z
        .tuple([z.string().min(1), z.string().min(1)])
        .optional()
        .describe(
          'Two KQL conditions: a flow that meets the first, later one that meets the second. With count, so many of the first.',
        ),
      firstSeen: duration()
        .optional()
        .describe('The group was not seen for this long: its first flow alerts.'),
      learn: duration()
        .optional()
        .describe(
          'With firstSeen: event time from the beginning in which groups are only learned; 1d when absent.',
        ),
      within: duration().optional().describe('The window in which it is measured.'),
    })
    .describe('What must be so for the rule to alert.'),
  severity: z.enum(Severities).describe('Severity of its alerts.'),
  attack: z.array(z.string()).max(8).default([]).describe('ATT&CK techniques by id, such as T1048.'),
  message: z
    .string()
    .min(1)
    .max(500)
    .describe(
      'What the alert says. `{field}` is the value of a field in the first flow; `{count}`, `{value}`, `{threshold}`, `{expected}` and `{within}` are what was measured.',
    ),
  runbook: z.string().min(1).optional().describe('Where it says what to do when it fires.'),
  quiet: duration()
    .prefault('1h')
    .describe(
      'An alert closes after this much event time in which the condition did not hold; never less than within.',
    ),
  maxGroups: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('Most groups remembered, over all lanes; beyond it those not met for longest give way.'),
  cases: z.array(testCase).max(100).default([]).describe('Tests that `weir rules test` runs.'),
});

export type Definition = z.output<typeof definition>;
export type TestCase = z.output<typeof testCase>;
