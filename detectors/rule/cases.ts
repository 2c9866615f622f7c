import { noticeOfChange } from '../../pipeline/notice.ts';
import type { Alert } from '../../schema/records.ts';
import { caseRecords } from './case-flow.ts';
import type { Definition, TestCase } from './definition.ts';
import { create } from './index.ts';
import { options } from './options.ts';
import { compileRule } from './rule.ts';
import { createSchedule } from './schedule.ts';
import { isFlow } from './subject.ts';

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  /** What was expected and what was found, in words; empty when it passed. */
  readonly problem: string;
}

/** Runs the cases that are written beside a rule. Each begins with nothing remembered. */
export function runCases(definition: Definition): CaseResult[] {
  const schedule = createSchedule([compileRule(definition)]);
  return definition.cases.map((test) => {
    const detector = create(
      options.parse({}),
      schedule,
    )({
      lane: 0,
      lanes: 1,
      maxKeys: 1_000_000,
      contentVersion: 'test',
      evicted: () => {},
    });
    const opened: Alert[] = [];
    for (const record of caseRecords(definition.over, test)) {
      if (isFlow(record)) detector.observe(record, 'source');
      const alerts = isFlow(record)
        ? detector.observe(record, 'rule')
        : detector.notice?.(noticeOfChange(record, 'case', Infinity));
      for (const alert of alerts ?? []) if (alert.action === 'opened') opened.push(alert);
    }
    return judge(
      test,
      opened.map(({ why }) => why.summary.replace(/ \[rule [^\]]*\]$/, '')),
    );
  });
}

function judge({ name, expect }: TestCase, messages: readonly string[]): CaseResult {
  const found = messages.length === 0 ? 'silence' : messages.map((text) => `'${text}'`).join(', ');
  const failed = (expected: string): CaseResult => ({
    name,
    passed: false,
    problem: `expected ${expected}, found ${found}`,
  });
  const passed: CaseResult = { name, passed: true, problem: '' };
  if (expect === 'silence') return messages.length === 0 ? passed : failed('silence');
  if (typeof expect === 'number')
    return messages.length === expect ? passed : failed(`${expect} ${expect === 1 ? 'alert' : 'alerts'}`);
  const same = expect.length === messages.length && expect.every((text, i) => text === messages[i]);
  return same ? passed : failed(expect.map((text) => `'${text}'`).join(', '));
}
