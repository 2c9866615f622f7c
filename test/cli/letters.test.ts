import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoard } from '../../cli/wire/process.ts';
import { wireLetters, type LettersOptions } from '../../cli/wire/letters.ts';
import { deadLetter, lineLetter, payloadOf } from '../../pipeline/dead-letter.ts';
import type { Delivery, Sink } from '../../pipeline/contracts.ts';
import type { Replayed } from '../../pipeline/letter-box.ts';
import { noMeter } from '../../pipeline/meter.ts';
import type { DeadLetter, Flow, RecordKind } from '../../schema/records.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { anAlert } from '../helpers/alerts.ts';
import { manualClock, silent } from '../helpers/context.ts';
import { aFlow } from '../helpers/flows.ts';

const shared = { cluster: 'c1', clock: manualClock(), meter: noMeter, log: silent, board: createBoard() };

const refused = (sink: string, kind: RecordKind, record: object, tenant: string | null = null): DeadLetter =>
  deadLetter({
    component: sink,
    kind,
    code: 'sink_refused_record',
    reason: 'no',
    payload: payloadOf(record),
    timeMs: 0,
    topic: kind,
    offset: 1,
    tenant,
  });

/** A process with one sink, of a tenant or of all, and one source. */
async function process(
  letters: readonly DeadLetter[],
  options: { tenant?: string | null; flows?: boolean } = {},
) {
  const log = [...letters];
  const written: Delivery[] = [];
  const flows: Flow[] = [];
  const sink: Sink = {
    write(items) {
      written.push(...items);
      return Promise.resolve();
    },
  };
  const parts: LettersOptions = {
    log: {
      append(topic, entries) {
        for (const { value } of entries)
          if (topic === 'deadletter') log.push(value as DeadLetter);
          else flows.push(value as Flow);
        return Promise.resolve();
      },
    },
    async scan(visit) {
      for (const each of log.slice()) await visit(each);
    },
    sinks: [
      {
        sink,
        config: {
          name: 'siem',
          type: 'webhook',
          options: {},
          records: { alert: { where: null } },
          tenant: options.tenant ?? null,
          heartbeatMs: null,
          queue: null,
        },
      },
    ],
    flows:
      options.flows === false
        ? null
        : {
            sources: [
              {
                name: 'net',
                type: 'netobserv',
                options: {},
                input: { type: 'stdin', options: {} },
                cluster: 'c1',
                node: null,
                disorderMs: null,
              },
            ],
            topic: 'enriched',
            stage: { apply: (items) => items.map((flow) => ({ ...flow, node: 'enriched' })) },
            place: () => ({ key: null, partition: 0 }),
          },
  };
  const box = await wireLetters(parts, shared);
  const outcomes: Replayed[] = [];
  await box.replay(
    { where: () => true, limit: 100 },
    (outcome) => {
      outcomes.push(outcome);
      return Promise.resolve();
    },
    new AbortController().signal,
  );
  const left = await box.list({ where: () => true, limit: 100 });
  return { written, flows, outcomes, left };
}

test('what a sink refused goes to that sink alone, as it was', async () => {
  const alert = anAlert(1);
  const { written, flows, left } = await process([refused('sink.siem', 'alert', alert)]);
  assert.deepEqual(
    written.map(({ kind, record }) => [kind, record]),
    [['alert', alert]],
  );
  assert.deepEqual([flows, left], [[], []]);
});

test('offsets of what is replayed increase, so a sink that knows offsets passes over none of it', async () => {
  const letters = [1, 2, 3].map((n) => ({ ...refused('sink.siem', 'alert', anAlert(n)), id: String(n) }));
  const { written } = await process(letters);
  const offsets = written.map(({ offset }) => offset);
  assert.deepEqual(
    offsets,
    [...offsets].sort((a, b) => a - b),
  );
  assert.equal(new Set(offsets).size, 3);
});

test('a letter of one tenant is not delivered to a sink that is another’s by now', async () => {
  const alert = anAlert(1, { tenant: 'acme', tenants: ['acme'] });
  const letters = [refused('sink.siem', 'alert', alert, 'acme')];
  const { written, outcomes, left } = await process(letters, { tenant: 'globex' });
  assert.deepEqual(written, []);
  assert.match(outcomes[0]?.problem ?? '', /not for the tenant/);
  assert.equal(left.length, 1);
  assert.equal((await process(letters, { tenant: 'acme' })).left.length, 0);
});

test('a letter whose payload was cut, or whose sink is gone, stays with the reason', async () => {
  const cut = refused('sink.siem', 'alert', anAlert(1));
  cut.payload = cut.payload.subarray(0, 40);
  const { outcomes, left } = await process([cut, refused('sink.gone', 'alert', anAlert(2))]);
  assert.match(outcomes[0]?.problem ?? '', /cannot be read/);
  assert.match(outcomes[1]?.problem ?? '', /^no process that was asked has sink\.gone$/);
  assert.equal(left.length, 2);
});

test('a line is decoded as it would be now, enriched and appended; one that is still wrong stays', async () => {
  const [line = ''] = [...netobservLines(1)];
  const rejected = (position: number, payload: string): DeadLetter =>
    lineLetter('source.net', 'file:x', { position, code: 'line_malformed', reason: 'was wrong', payload }, 0);
  const { flows, outcomes, left } = await process([rejected(1, line), rejected(2, 'no json')]);
  assert.deepEqual(
    flows.map(({ position, node }) => [position, node]),
    [[1, 'enriched']],
  );
  assert.equal(outcomes[0]?.problem, null);
  assert.notEqual(outcomes[1]?.problem, null);
  assert.equal(left.length, 1);
  assert.equal(
    (await process([rejected(1, line)], { flows: false })).left.length,
    1,
    'not where flows are not taken',
  );
});

test('a flow that the enricher failed on is appended; one that a detector failed on was delivered already', async () => {
  const flow = aFlow({ position: 7 });
  const { flows, outcomes } = await process([
    refused('enricher', 'flow', flow),
    refused('detector.port_scan', 'flow', flow),
  ]);
  assert.equal(flows.length, 1);
  assert.equal(flows[0]?.id, flow.id);
  assert.match(outcomes[1]?.problem ?? '', /weir replay/);
});
