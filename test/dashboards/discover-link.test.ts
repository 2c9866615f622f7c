import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { discoverLink } from '../../dashboards/kibana/discover-link.ts';
import { parse } from '../../query/index.ts';
import { fieldsIn } from '../../dashboards/kibana/kql.ts';
import { ecsFields } from '../../sinks/ecs/fields.ts';
import { newParty, type Alert } from '../../schema/records.ts';
import { withKibanaLinks } from '../../cli/wire/kibana.ts';
import { options } from '../../dashboards/kibana/options.ts';
import { examples } from '../sinks/ecs/examples.ts';

const everyone = { space: 'default', suffix: '' };
const [alert] = examples.alert;

/** The state in an address, as Kibana reads it. */
function stateOf(link: string): { path: string; global: string; index: string; query: string } {
  const { pathname, hash } = new URL(link);
  const [, parameters = ''] = hash.split('?');
  const read = (name: string): string =>
    decodeURIComponent(new RegExp(`(?:^|&)${name}=([^&]*)`).exec(parameters)![1]!);
  const state = read('_a');
  const text = (name: string): string =>
    new RegExp(`${name}:'((?:![!']|[^!'])*)'`).exec(state)![1]!.replaceAll(/!([!'])/g, '$1');
  return { path: pathname, global: read('_g'), index: text('index'), query: text('query') };
}

test('discover link: the flows of the entity, a little before and after the alert, in the space of who is told', () => {
  const link = discoverLink(
    'https://kibana.example/base/',
    { space: 'weir-pay', suffix: 'pay' },
    {
      ...alert!,
      firstMs: Date.UTC(2026, 10, 24, 3),
      lastMs: Date.UTC(2026, 10, 24, 4),
    },
  );
  assert.deepEqual(stateOf(link!), {
    path: '/base/s/weir-pay/app/discover',
    global: "(time:(from:'2026-11-24T02:55:00.000Z',to:'2026-11-24T04:05:00.000Z'))",
    index: 'weir-events-pay',
    query:
      'weir.kind : "flow" and (weir.source.entity : "c/shop/Deployment/web" or weir.destination.entity : "c/shop/Deployment/web")',
  });
});

test('discover link: whatever an entity is called, the query names it and nothing else, by fields that flows have', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('workload', 'host', 'service', 'network', 'ip', 'policy', 'cluster'),
      fc.integer({ min: -9e15, max: 9e15 }),
      (name, kind, timeMs) => {
        const made: Alert = {
          ...alert!,
          cluster: name,
          firstMs: timeMs,
          lastMs: timeMs,
          entity: { ...newParty({ key: name }), kind, ip: name, name },
        };
        const { query } = stateOf(discoverLink('https://k.example', everyone, made)!);
        const node = parse(query);
        for (const field of fieldsIn(node)) assert.ok(ecsFields.get(field)?.kinds.includes('flow'), field);
        assert.equal(node.type === 'and' && node.items.length, 2);
        assert.ok(JSON.stringify(node).includes(JSON.stringify(Buffer.from(name, 'utf8').toString('utf8'))));
      },
    ),
  );
});

test('discover link: none for who is of another tenant, and none that is too long to be used', () => {
  const of = (party: object): string | null =>
    discoverLink('https://k.example', everyone, { ...alert!, entity: { ...alert!.entity, ...party } });
  assert.equal(of({ kind: 'unknown' }), null);
  assert.equal(of({ kind: 'ip', ip: null }), null);
  assert.equal(of({ key: 'x'.repeat(5000) }), null);
});

test('discover link: a sink is shown an alert with its link, others the same alert without', () => {
  const kibana = options.parse({ url: 'https://k.example' });
  const plain = { ...alert!, links: { ...alert!.links, kibana: null } };
  const view = withKibanaLinks((_kind, record) => record, kibana, 'payments');
  const seen = view('alert', plain)!;
  assert.match(seen.links.kibana!, /^https:\/\/k\.example\/s\/weir-payments\/app\/discover#/);
  assert.equal(seen.links.search, plain.links.search);
  assert.equal(plain.links.kibana, null);
  assert.equal(withKibanaLinks((_kind, record) => record, null, null)('alert', plain), plain);
  assert.equal(withKibanaLinks(() => null, kibana, null)('alert', plain), null);
  const [flow] = examples.flow;
  assert.equal(view('flow', flow!), flow);
});
