import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  newAlert,
  newDeadLetter,
  newEvidence,
  newFactor,
  newLinks,
  newParty,
  newWhy,
} from '../../../schema/records.ts';
import { anyJson, fromJson, toJson } from '../../../sinks/records/json.ts';
import { quote } from '../../../sinks/records/flow-json.ts';
import { aFlow } from '../../helpers/flows.ts';
import { flows } from '../../query/arbitraries.ts';

test('records: the fast writer of flows writes what the generic one writes, and it is read back whole', () => {
  fc.assert(
    fc.property(flows, (flow) => {
      const text = toJson('flow', flow);
      assert.equal(text, anyJson(flow));
      assert.deepEqual(fromJson('flow', text), structuredClone(flow));
      assert.ok(!text.includes('\n'));
    }),
  );
});

test('records: any text is quoted as JSON.stringify does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(quote(text), JSON.stringify(text));
    }),
  );
  for (const text of ['', '\u0000', '\ud800', 'a\u2028b', '\u007f', '😀', '"', '\\'])
    assert.equal(quote(text), JSON.stringify(text));
});

test('records: an alert and the bytes of a dead letter come back', () => {
  const alert = newAlert({
    id: 'a1',
    revision: 2,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.5,
    entity: newParty({ key: 'c/shop/Deployment/web' }),
    cluster: 'c',
    firstMs: 1,
    lastMs: 2,
    raisedMs: 3,
    count: 4,
    why: { ...newWhy({ summary: 'said "so"\n' }), factors: [newFactor({ name: 'ports', observed: 10 })] },
    evidence: newEvidence(),
    links: newLinks(),
  });
  assert.deepEqual(fromJson('alert', toJson('alert', alert)), alert);
  const letter = newDeadLetter({
    id: 'd',
    timeMs: 1,
    component: 'sink.x',
    kind: 'flow',
    code: 'sink_refused_record',
    reason: 'no',
    payload: Buffer.from([0, 255, 10]),
  });
  const text = toJson('dead_letter', letter);
  assert.equal((JSON.parse(text) as { payload: string }).payload, 'AP8K');
  assert.deepEqual(fromJson('dead_letter', text), letter);
});

test('records: what does not fit names the field; unknown symbols and fields are let be', () => {
  const flow = aFlow();
  const broken = (change: object): string =>
    JSON.stringify({ ...(JSON.parse(toJson('flow', flow)) as object), ...change });
  assert.throws(
    () => fromJson('flow', broken({ endMs: 'soon' })),
    /flow\.endMs: expected a whole number, found "soon"/,
  );
  assert.throws(
    () => fromJson('flow', broken({ source: { ip: 3 } })),
    /flow\.source\.ip: expected a string, found 3/,
  );
  assert.throws(() => fromJson('flow', '{}'), /flow\.id: expected a string, found nothing/);
  assert.equal(fromJson('flow', broken({ verdict: 'maybe', later: 1 })).verdict, 'unknown');
});
