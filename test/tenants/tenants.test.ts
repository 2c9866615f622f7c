import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { configFrom } from '../../cli/config/index.ts';
import { localRuntime, type WiredSink } from '../../cli/wire/local.ts';
import { createBoard } from '../../cli/wire/process.ts';
import { runToEnd } from '../../cli/wire/replay.ts';
import { systemClock } from '../../pipeline/clock.ts';
import type { Sink } from '../../pipeline/contracts.ts';
import { withDeadLetter } from '../../pipeline/dead-letter.ts';
import { PartialWriteError } from '../../pipeline/errors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { sinkKinds } from '../../sinks/base-options.ts';
import { silent } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { sharedTraffic, sides, type Side } from './traffic.ts';

const configuration = {
  cluster: 'c1',
  tenants: { cidrs: { acme: ['10.1.0.0/16'], globex: ['10.2.0.0/16'] } },
  networks: { internal: ['10.0.0.0/8'] },
  rules: {
    inline: [
      {
        name: 'many_to_one_port',
        where: 'source.kind : workload',
        groupBy: ['source.namespace', 'source.workload'],
        when: { count: '>= 20', within: '10m' },
        severity: 'high',
        message:
          '{source.namespace}/{source.workload} reached {destination.ip}:{destination.port} of {destination.workload}',
      },
      {
        name: 'each_denial_to_a_database',
        where: 'verdict : deny and destination.port : 6379',
        groupBy: ['destination.workload'],
        when: { count: '>= 1', within: '10m' },
        severity: 'low',
        message:
          '{source.ip} of {source.pod} on {source.node} was kept from {destination.ip} of {destination.pod}',
      },
    ],
  },
};

/** A sink that takes nothing, behind the dead letter as the runtime puts it there. */
const refusing = (tenant: string, kept: (letter: string) => void): Sink =>
  withDeadLetter(
    {
      write: (items) =>
        Promise.reject(
          new PartialWriteError(
            items.map((_, index) => ({ index, retryable: false, code: 'sink_refused_record', reason: 'no' })),
          ),
        ),
    },
    {
      component: 'sink.refuses',
      tenant,
      letters: {
        keep(letters) {
          for (const letter of letters) {
            assert.equal(letter.tenant, tenant);
            kept(
              `dead_letter ${JSON.stringify({ ...letter, payload: Buffer.from(letter.payload).toString() })}`,
            );
          }
          return Promise.resolve();
        },
      },
      now: () => 0,
      refused() {},
    },
  );

/** Two days of it. */
const EPISODES = 200;

/** Everything that leaves the process for a tenant: what its sinks were given, and what they refused. */
async function leaving(t: TestContext, seed: number): Promise<Record<Side, string[]>> {
  const dir = temporaryDirectory(t);
  const input = join(dir, 'in.jsonl');
  writeFileSync(input, `${[...sharedTraffic(seed, EPISODES, Date.now() - 3 * 86_400_000)].join('\n')}\n`);
  const config = configFrom(
    JSON.stringify({
      ...configuration,
      sources: { net: { type: 'netobserv', from: { file: { path: input, startAt: 'beginning' } } } },
    }),
    { env: {} },
  );
  const left: Record<Side, string[]> = { acme: [], globex: [] };
  const records = Object.fromEntries(sinkKinds.map((kind) => [kind, { where: null }]));
  // A letter for each flow would be most of the work.
  const few = { ...records, flow: { where: 'verdict : deny' } };
  const sinkOf = (name: string, tenant: Side, sink: Sink): WiredSink => ({
    config: {
      name,
      type: 'file',
      options: {},
      records: name === tenant ? records : few,
      tenant,
      heartbeatMs: null,
      queue: null,
    },
    sink: { ...sink, batch: { maxRecords: 2000, maxWaitMs: 20 } },
  });
  const tenants = Object.keys(sides) as Side[];
  const sinks = tenants.flatMap((tenant) => [
    sinkOf(tenant, tenant, {
      write: (items) => {
        for (const { kind, record, bytes } of items) {
          left[tenant].push(`${kind} ${JSON.stringify(record)}`);
          // What is handed on as it lies in the log must be as clean.
          if (bytes !== null)
            left[tenant].push(`bytes ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`);
        }
        return Promise.resolve();
      },
    }),
    sinkOf(
      `${tenant}-refuses`,
      tenant,
      refusing(tenant, (letter) => left[tenant].push(letter)),
    ),
  ]);
  const shared = { cluster: 'c1', clock: systemClock, meter: noMeter, log: silent, board: createBoard() };
  const runtime = await localRuntime({ config, sinks, stateDir: null, follow: false }, shared);
  await runToEnd(runtime, shared, new AbortController().signal);
  return left;
}

test('nothing that leaves for a tenant names the other: flows, alerts, rule messages, stories, dead letters', async (t) => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const left = await leaving(t, seed);
      const leaks: string[] = [];
      for (const [own, other] of [
        ['acme', 'globex'],
        ['globex', 'acme'],
      ] as const) {
        const { mark, network } = sides[other];
        const address = new RegExp(`\\b${network.replace('.', '\\.')}\\.\\d`);
        for (const text of left[own]) {
          const kind = text.slice(0, text.indexOf(' '));
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
          const detector = kind === 'alert' ? /"detector":"([^"]+)"/.exec(text)?.[1] : undefined;
          if (detector !== undefined) seen.set(detector, (seen.get(detector) ?? 0) + 1);
          if (text.includes(mark) || address.test(text)) leaks.push(`to ${own}: ${text}`);
        }
      }
      assert.deepEqual(leaks.slice(0, 3), [], `${leaks.length} leaks`);
    }),
    { numRuns: 2, endOnFailure: true, includeErrorInReport: true },
  );
  // Silence would prove nothing.
  for (const what of ['flow', 'incident', 'dead_letter', 'rule', 'port_scan', 'new_edge', 'lateral_movement'])
    assert.ok((seen.get(what) ?? 0) > 0, what);
});
