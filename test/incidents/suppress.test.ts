import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSuppressor, type Suppression } from '../../incidents/suppress.ts';
import { parseSuppressions } from '../../cli/config/suppressions.ts';
import type { Problem } from '../../cli/config/problems.ts';
import { anAlert, T0 } from './fixtures.ts';

const pentest: Suppression = {
  name: 'pentest',
  where: 'entity.namespace : "shop" and detector : port_scan',
  untilMs: T0 + 1000,
  reason: 'penetration test',
  by: 'soc',
  ticket: null,
  includeCritical: false,
};

test('a suppression hides what fits until its time is over', () => {
  const by = createSuppressor([pentest]);
  assert.equal(by(anAlert({ atMs: T0 + 999 })), 'pentest');
  assert.equal(by(anAlert({ atMs: T0 + 1000 })), null);
  assert.equal(by(anAlert({ detector: 'beacon' })), null);
});

test('a critical alert is hidden only where the suppression says so', () => {
  const critical = anAlert({ severity: 'critical' });
  assert.equal(createSuppressor([pentest])(critical), null);
  assert.equal(createSuppressor([{ ...pentest, includeCritical: true }])(critical), 'pentest');
});

function parse(value: unknown): { found: Suppression[]; problems: string[] } {
  const problems: Problem[] = [];
  const found = parseSuppressions(value, T0, (problem) => problems.push(problem));
  return { found, problems: problems.map(({ path, message }) => `${path.join('.')}: ${message}`) };
}

const written = {
  name: 'a',
  where: 'entity.ip : "10.9.8.7"',
  until: '2023-12-15',
  reason: 'test',
  by: 'soc',
};

test('a day includes its end', () => {
  assert.equal(parse([written]).found[0]!.untilMs, Date.UTC(2023, 11, 16));
});

test('a suppression without an end, reason or author is refused', () => {
  for (const key of ['until', 'reason', 'by'] as const) {
    const { [key]: _, ...rest } = written;
    const { found, problems } = parse([rest]);
    assert.equal(found.length, 0);
    assert.match(problems[0]!, new RegExp(`suppressions.0.${key}: missing`));
  }
});

test('what is wrong is told with its place', () => {
  const { found, problems } = parse([
    { ...written, until: '2024-06-01' },
    { ...written, name: 'b', until: 'soon' },
    { ...written, name: 'c', where: 'nosuchfield : 1' },
    { ...written },
    { ...written, name: 'd', start: '2023-12-01' },
  ]);
  assert.equal(found.length, 0);
  assert.match(problems[0]!, /0\.until: found '2024-06-01', expected at most 90 days/);
  assert.match(problems[1]!, /1\.until: .*expected a time/);
  assert.match(problems[2]!, /2\.where: /);
  assert.match(problems[3]!, /3\.name: found a second suppression/);
  assert.match(problems[4]!, /4\.start: /);
});

test('one that is over is kept and hides nothing', () => {
  const { found, problems } = parse([{ ...written, until: '2023-01-01' }]);
  assert.deepEqual(problems, []);
  assert.equal(createSuppressor(found)(anAlert()), null);
});
