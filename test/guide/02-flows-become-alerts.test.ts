/**
 * Guide 2. Detectors fold flows in order of event time, and raise alerts that say why. `weir replay` is the same
 * pipeline on files, with nothing kept.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Alert } from '../../schema/records.ts';
import { weir } from '../e2e/processes.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

/** 10.9.9.9 tries forty ports of one server, and each is refused; a client uses the one that is open. */
function scanLines(): string[] {
  const record = (from: string, port: number, afterMs: number, action: 'drop' | 'allow'): string =>
    JSON.stringify({
      SrcAddr: from,
      SrcPort: 40_000,
      DstAddr: '10.128.0.9',
      DstPort: port,
      Proto: 6,
      Packets: 1,
      Bytes: 60,
      TimeFlowStartMs: 1_700_000_000_000 + afterMs,
      TimeFlowEndMs: 1_700_000_000_000 + afterMs,
      NetworkEvents: [
        {
          Feature: 'acl',
          Type: 'NetworkPolicy',
          Namespace: 'shop',
          Name: 'deny',
          Action: action,
          Direction: 'Ingress',
        },
      ],
    });
  return Array.from({ length: 40 }, (_, i) => [
    record('10.9.9.9', 1000 + i, i * 500, 'drop'),
    record('10.128.0.7', 5432, i * 500, 'allow'),
  ]).flat();
}

async function replayed(t: TestContext, lines: readonly string[]): Promise<Alert[]> {
  const directory = temporaryDirectory(t);
  const input = join(directory, 'flows.jsonl');
  const alerts = join(directory, 'alerts.jsonl');
  writeFileSync(input, `${lines.join('\n')}\n`);
  const { code, err } = await weir(['replay', '--source', 'netobserv', input, '--alerts', alerts]);
  assert.equal(code, 0, err);
  return readFileSync(alerts, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Alert);
}

test('a scan is alerted once, names who did it, and says what it saw', async (t) => {
  const scans = (await replayed(t, scanLines())).filter(({ detector }) => detector === 'port_scan');
  assert.equal(new Set(scans.map(({ id }) => id)).size, 1);
  const alert = scans.at(-1)!;
  assert.equal(alert.entity.ip, '10.9.9.9');
  assert.match(alert.why.summary, /ports/);
  assert.ok(alert.evidence.flows.length > 0);
});

test('the same flows give the same alerts, even when they come in another order', async (t) => {
  const lines = scanLines();
  // Each pair the other way round: out of order by less than the source type's disorder.
  const swapped = lines.flatMap((_, i) => (i % 2 === 0 ? [lines[i + 1]!, lines[i]!] : []));
  const essence = (alerts: readonly Alert[]): string[] =>
    alerts
      .map(({ detector, severity, count, why }) => `${detector} ${severity} ${count} ${why.summary}`)
      .sort();
  assert.deepEqual(essence(await replayed(t, swapped)), essence(await replayed(t, lines)));
});

test('a client that is let in raises nothing', async (t) => {
  const allowed = scanLines().filter((line) => line.includes('10.128.0.7'));
  assert.deepEqual(await replayed(t, allowed), []);
});
