import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecOf } from '../../schema/codec.ts';
import { fingerprint64 } from '../../schema/fingerprint.ts';
import { schemas, type RecordKind } from '../../schema/records.ts';

test('fingerprints of the Avro specification', () => {
  const asNumber = (canonical: string) => fingerprint64(canonical).readBigUInt64LE().toString(16);
  assert.equal(asNumber('"null"'), '63dd24e7cc258f8a');
  assert.equal(asNumber('"int"'), '7275d51a3f395c8f');
});

test('each kind of record has its own', () => {
  const kinds = Object.keys(schemas) as RecordKind[];
  assert.equal(new Set(kinds.map((kind) => codecOf(kind).fingerprint.toString('hex'))).size, kinds.length);
});
