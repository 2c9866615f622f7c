import { compileQuery } from '../../query/index.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { caseProblems } from './case-flow.ts';
import type { Definition } from './definition.ts';
import { fieldOf, unknownField } from './fields.ts';
import { messageProblems } from './message.ts';
import { techniqueOf, unknownTechnique } from './techniques.ts';
import { parseThreshold, wholeLeast, type Threshold } from './threshold.ts';

/** One thing that is wrong with a rule: where in it, and what was found and expected. */
export interface RuleProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Distinct values that can be told apart, one by one: each costs memory in every group. */
export const MAX_DISTINCT = 1000;
const MAX_WINDOW_MS = 31 * 86_400_000;

const METRICS = ['count', 'rate', 'sum', 'distinct', 'firstSeen', 'sequence'] as const;

/** Everything that the shape of a definition does not tell: queries, fields, thresholds, techniques, placeholders. */
export function checkRule(rule: Definition): RuleProblem[] {
  const { over } = rule;
  const problems: RuleProblem[] = [];
  const wrong = (path: RuleProblem['path'], message: string): void => void problems.push({ path, message });
  const query = (path: RuleProblem['path'], text: string): void => {
    try {
      compileQuery(rule.over, text);
    } catch (error) {
      wrong(path, messageOf(error));
    }
  };
  query(['where'], rule.where);
  for (const [i, name] of rule.groupBy.entries()) {
    const field = fieldOf(over, name);
    if (field === null) wrong(['groupBy', i], unknownField(over, name));
    else if (field.type === 'record' || field.type === 'map')
      wrong(['groupBy', i], `expected a field with a value, found '${name}', which has parts`);
  }
  checkCondition(rule, wrong);
  for (const [i, text] of (rule.when.sequence ?? []).entries()) query(['when', 'sequence', i], text);
  for (const [i, id] of rule.attack.entries())
    if (techniqueOf(id) === null) wrong(['attack', i], unknownTechnique(id));
  for (const message of messageProblems(over, rule.message)) wrong(['message'], message);
  for (const [i, test] of rule.cases.entries())
    for (const { path, message } of caseProblems(over, test)) wrong(['cases', i, ...path], message);
  return problems;
}

type Wrong = (path: RuleProblem['path'], message: string) => void;

function checkCondition({ over, when }: Definition, wrong: Wrong): void {
  const given = METRICS.filter((name) => when[name] !== undefined && !(name === 'count' && when.sequence));
  if (given.length !== 1)
    wrong(
      ['when'],
      `found ${given.length === 0 ? 'nothing that is measured' : given.join(' and ')}, expected one of ${METRICS.join(', ')}`,
    );
  if (when.firstSeen === undefined) {
    if (when.within === undefined) wrong(['when'], "missing: expected 'within', the window, such as 10m");
    if (when.learn !== undefined) wrong(['when', 'learn'], "'learn' goes with firstSeen");
  } else if (when.within !== undefined)
    wrong(['when', 'within'], "firstSeen has no window: expected no 'within'");
  for (const key of ['within', 'history', 'firstSeen'] as const) {
    const ms = when[key];
    if (ms === undefined) continue;
    if (ms < 1000) wrong(['when', key], 'expected at least 1s');
    if (ms > MAX_WINDOW_MS * (key === 'within' ? 1 : 12))
      wrong(['when', key], 'too long: expected at most 31d');
  }
  if (when.ratio === undefined) {
    if (when.history !== undefined) wrong(['when', 'history'], "'history' goes with ratio");
  } else if (!given.some((name) => ['count', 'rate', 'sum'].includes(name)))
    wrong(['when', 'ratio'], 'a ratio needs a count, rate or sum beside it, below which nothing alerts');
  else if (when.history === undefined)
    wrong(['when'], "missing: expected 'history', how long a group is watched before it can alert");
  else if (when.within !== undefined && when.history < 2 * when.within)
    wrong(['when', 'history'], 'expected at least twice the window');
  checkThresholds({ over, when }, wrong);
}

function checkThresholds({ over, when }: Pick<Definition, 'over' | 'when'>, wrong: Wrong): void {
  const read = (
    key: 'count' | 'rate' | 'sum' | 'distinct' | 'ratio',
    example: string,
    fits: (t: Threshold) => boolean,
  ): Threshold | null => {
    const text = when[key];
    if (text === undefined) return null;
    const threshold = parseThreshold(text);
    if (threshold !== null && fits(threshold)) return threshold;
    wrong(['when', key], `found '${text}', expected such as '${example}'`);
    return null;
  };
  const bare = ({ names, perMs }: Threshold): boolean => names.length === 0 && perMs === 0;
  read('count', '>= 10', bare);
  read('ratio', '>= 5', bare);
  read('rate', '>= 50/s', ({ names, perMs }) => names.length === 0 && perMs > 0);
  const sum = read('sum', 'sourceBytes >= 1GiB', ({ names, perMs }) => names.length > 0 && perMs === 0);
  for (const name of sum?.names ?? []) {
    const field = fieldOf(over, name);
    if (field === null) wrong(['when', 'sum'], unknownField(over, name));
    else if (field.type !== 'number' || field.many)
      wrong(['when', 'sum'], `'${name}' is ${field.type}: expected a number`);
  }
  const distinct = read(
    'distinct',
    'destination.port >= 20',
    ({ names, perMs }) => names.length === 1 && perMs === 0,
  );
  if (distinct === null) return;
  const [name = ''] = distinct.names;
  const field = fieldOf(over, name);
  if (field === null) wrong(['when', 'distinct'], unknownField(over, name));
  else if (field.type === 'record' || field.type === 'map')
    wrong(['when', 'distinct'], `expected a field with a value, found '${name}', which has parts`);
  const least = wholeLeast(distinct);
  if (least < 2 || least > MAX_DISTINCT)
    wrong(['when', 'distinct'], `found ${least}, expected from 2 to ${MAX_DISTINCT} values`);
}
