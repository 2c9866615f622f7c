import { test } from 'node:test';
import assert from 'node:assert/strict';
import { configFrom } from '../../../cli/config/index.ts';
import { registries } from '../../../cli/config/registries.ts';
import { branches, defOf, unwrap, type AnySchema } from '../../../cli/config/schema-walk.ts';

test('the store is put in the state directory unless it is told otherwise', () => {
  const text = (dir: string) => `state: { dir: /s }\nsinks: { db: { type: store${dir} } }`;
  const dirOf = (yaml: string) => (configFrom(yaml, { env: {} }).sinks[0]!.options as { dir: string }).dir;
  assert.equal(dirOf(text('')), '/s/store');
  assert.equal(dirOf(text(', dir: /elsewhere')), '/elsewhere');
});

test('every component and every option of it is described', () => {
  const missing: string[] = [];
  const walk = (schema: AnySchema, path: string): void => {
    for (const branch of branches(schema)) {
      for (const [key, field] of Object.entries(defOf(branch).shape ?? {})) {
        if (unwrap(field).description === '') missing.push(`${path}.${key}`);
        walk(field, `${path}.${key}`);
      }
    }
  };
  const { sources, inputs, detectors, sinks, kafka, enricher } = registries;
  for (const registry of [sources, inputs, detectors, sinks])
    for (const [name, { options }] of Object.entries(registry)) walk(options, name);
  walk(kafka, 'kafka');
  walk(enricher, 'enricher');
  assert.deepEqual(missing, []);
});
