import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { fromJson } from '../../../sinks/records/json.ts';
import { storeError } from '../../../sinks/s3/errors.ts';
import { groupsOf, objectOf } from '../../../sinks/s3/objects.ts';
import { deliveryOf } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';
import { aFlow } from '../../helpers/flows.ts';

const HOUR = Date.UTC(2026, 10, 24, 3);
const flowAt = (position: number, endMs: number) =>
  deliveryOf('flow', aFlow({ position, endMs, startMs: endMs }));
const neverFails = (index: number, error: unknown): void => assert.fail(`${index}: ${String(error)}`);

test('s3: one object for each kind and hour, with all lines and the digest of its bytes', async () => {
  const items = [
    flowAt(1, HOUR),
    flowAt(2, HOUR + 3_599_999),
    flowAt(3, HOUR + 3_600_000),
    deliveryOf('alert', anAlert(1, { raisedMs: HOUR })),
  ];
  const objects = await Promise.all(
    groupsOf(items, neverFails).map((group) => objectOf(group, '/siem/weir/', 'c1')),
  );
  assert.deepEqual(
    objects.map(({ key }) => key.replace(/[^/]+$/, '')),
    [
      'siem/weir/kind=flow/date=2026-11-24/hour=03/',
      'siem/weir/kind=flow/date=2026-11-24/hour=04/',
      'siem/weir/kind=alert/date=2026-11-24/hour=03/',
    ],
  );
  const [first] = objects;
  assert.equal(first!.digest.toString('hex'), createHash('sha256').update(first!.body).digest('hex'));
  assert.equal(first!.metadata['weir-sha256'], first!.digest.toString('hex'));
  assert.equal(first!.metadata['weir-records'], '2');
  const lines = gunzipSync(first!.body).toString().split('\n').slice(0, -1);
  assert.deepEqual(
    lines.map((line) => fromJson('flow', line)),
    items.slice(0, 2).map(({ record }) => record),
  );
});

test('s3: the same records again are the same object, others another', async () => {
  const one = async (items: Parameters<typeof groupsOf>[0]) =>
    objectOf(groupsOf(items, neverFails)[0]!, '', 'c');
  const [a, b, c] = await Promise.all([
    one([flowAt(1, HOUR), flowAt(2, HOUR)]),
    one([flowAt(1, HOUR), flowAt(2, HOUR)]),
    one([flowAt(1, HOUR)]),
  ]);
  assert.deepEqual(a, b);
  assert.notEqual(a.key, c.key);
});

test('s3: a record whose time is none is named, the others are kept', () => {
  const failed: number[] = [];
  const groups = groupsOf([flowAt(1, HOUR), flowAt(2, NaN), flowAt(3, HOUR)], (index) => failed.push(index));
  assert.deepEqual(failed, [1]);
  assert.deepEqual(
    groups.map(({ indexes }) => indexes),
    [[0, 2]],
  );
});

test('s3: nothing that a store answers blames a record', () => {
  const answer = (name: string, status?: number): object =>
    Object.assign(
      new Error('said so'),
      { name },
      status === undefined ? {} : { $metadata: { httpStatusCode: status } },
    );
  const expected = [
    [answer('NoSuchBucket', 404), 'sink_misconfigured'],
    [answer('AccessDenied', 403), 'sink_unauthorised'],
    [answer('ExpiredToken', 400), 'sink_unauthorised'],
    [answer('CredentialsProviderError'), 'sink_unauthorised'],
    [answer('RequestTimeTooSkewed', 403), 'sink_misconfigured'],
    [answer('SlowDown', 503), 'sink_overloaded'],
    [answer('InternalError', 500), 'sink_unavailable'],
    [answer('TimeoutError'), 'sink_unavailable'],
    [Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'tls_invalid'],
  ] as const;
  for (const [error, code] of expected) {
    const found = storeError(error, 'bucket b');
    assert.equal(found.code, code, found.message);
    assert.match(found.message, /^bucket b: /);
  }
});
