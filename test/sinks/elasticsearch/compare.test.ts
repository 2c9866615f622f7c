import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOf } from '../../../sinks/bulk/compare.ts';

const request = {
  path: '/_component_template/weir@settings',
  body: { template: { settings: { index: { mode: 'logsdb', mapping: { total_fields: { limit: 1000 } } } } } },
};
const answer = (settings: object): object => ({
  component_templates: [
    { name: 'weir@settings', component_template: { template: { settings: { index: settings } } } },
  ],
});

test('a template is as it should be whatever defaults the cluster adds and however it writes numbers', () => {
  const found = answer({ mode: 'logsdb', mapping: { total_fields: { limit: '1000' } }, codec: 'default' });
  assert.equal(differenceOf(request, found), null);
});

test('what was changed by hand is named by its place', () => {
  const place = 'differs at template.settings.index.mapping.total_fields.limit';
  const found = (limit: object): object => answer({ mode: 'logsdb', mapping: { total_fields: limit } });
  assert.equal(differenceOf(request, found({ limit: '200' })), place);
  assert.equal(differenceOf(request, found({})), place);
  assert.equal(differenceOf(request, { component_templates: [] }), 'is not there');
});

test('how long things are kept is the operator’s', () => {
  assert.equal(
    differenceOf({ path: '/_ilm/policy/weir-logs', body: { policy: {} } }, { 'weir-logs': {} }),
    null,
  );
});
