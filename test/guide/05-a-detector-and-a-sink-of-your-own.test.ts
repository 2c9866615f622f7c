/**
 * Guide 5. A detector is a fold over flows, and a sink is one function: thirty lines for each, and the runtime
 * does order, state, retry, dead letters and cursors. They then go into detectors/registry.ts and
 * sinks/registry.ts, one line each.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery, DetectorFactory, Sink } from '../../pipeline/contracts.ts';
import { digest } from '../../schema/ids.ts';
import { newAlert, newEvidence, newLinks, newParty, newWhy, type Alert } from '../../schema/records.ts';
import { deliveryOf } from '../contracts/sinkContract.ts';
import { aFlow } from '../helpers/flows.ts';

/** Someone who speaks Telnet is told of once. The state is a set of entities, with a cap on its size. */
const telnet: DetectorFactory = ({ maxKeys, evicted }) => {
  let known = new Set<string>();
  return {
    key: 'source',
    *observe(flow) {
      const entity = flow.source.entity ?? flow.source.ip;
      if (flow.destination.port !== 23 || entity === null || known.has(entity)) return;
      if (known.size >= maxKeys) {
        known.delete(known.values().next().value!);
        evicted(1);
      }
      known.add(entity);
      yield newAlert({
        id: digest(22, 'telnet', entity),
        revision: 0,
        detector: 'telnet',
        rule: 'telnet',
        score: 0.5,
        entity: newParty({ key: entity }),
        cluster: flow.cluster,
        firstMs: flow.endMs,
        lastMs: flow.endMs,
        raisedMs: flow.endMs,
        count: 1,
        why: newWhy({ summary: `${entity} speaks Telnet.` }),
        evidence: newEvidence(),
        links: newLinks(),
      });
    },
    advance: () => [],
    *snapshot() {
      yield Buffer.from(JSON.stringify([...known]));
    },
    restore(chunks) {
      known = new Set(JSON.parse(Buffer.concat([...chunks]).toString()) as string[]);
    },
    status: () => ({ state: 'ready', keys: known.size }),
  };
};

const context = { lane: 0, lanes: 1, maxKeys: 2, contentVersion: 'v1', evicted: (): void => {} };

test('the detector speaks once of each entity, also after a restart', () => {
  const detector = telnet(context);
  const telnetFrom = (from: string, position: number) => aFlow({ from, port: 23, position });
  assert.equal([...detector.observe(telnetFrom('10.0.0.1', 0), 'source')].length, 1);
  assert.equal([...detector.observe(telnetFrom('10.0.0.1', 1), 'source')].length, 0);
  assert.equal([...detector.observe(aFlow({ port: 443 }), 'source')].length, 0);

  const restarted = telnet(context);
  restarted.restore(detector.snapshot());
  assert.equal([...restarted.observe(telnetFrom('10.0.0.1', 2), 'source')].length, 0);
});

test('its memory is bounded whatever comes, and what it gave up is counted', () => {
  let given = 0;
  const detector = telnet({ ...context, evicted: (count) => (given += count) });
  for (let i = 0; i < 50; i++)
    for (const alert of detector.observe(aFlow({ from: `10.0.0.${i}`, port: 23, position: i }), 'source'))
      assert.equal(alert.detector, 'telnet');
  assert.deepEqual([detector.status().keys, given], [2, 48]);
});

/** Hands alerts to a function; anything that rejects is tried again by the runtime. */
const pager = (page: (text: string) => Promise<void>): Sink => ({
  batch: { maxRecords: 10, maxWaitMs: 100 },
  async write(items: readonly Delivery[]) {
    for (const { kind, record } of items) if (kind === 'alert') await page((record as Alert).why.summary);
  },
});

test('the sink resolves once everything is delivered', async () => {
  const paged: string[] = [];
  const sink = pager((text) => {
    paged.push(text);
    return Promise.resolve();
  });
  const [alert] = [...telnet(context).observe(aFlow({ from: '10.0.0.1', port: 23 }), 'source')] as Alert[];
  await sink.write([deliveryOf('alert', alert!)], new AbortController().signal);
  assert.deepEqual(paged, ['ip/10.0.0.1 speaks Telnet.']);
});
