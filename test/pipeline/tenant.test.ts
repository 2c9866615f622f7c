import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ANY_TENANT, tenantView } from '../../pipeline/tenant.ts';
import { newAlertEndpoint, newParty, newPolicyRef, type Alert, type Flow } from '../../schema/records.ts';
import { anAlert } from '../helpers/alerts.ts';
import { arbitraryOf } from '../helpers/arbitraries.ts';
import { aFlow } from '../helpers/flows.ts';

/** Puts a mark into every text below a value, so that it can be found wherever it is copied to. */
function marked<T>(value: T, mark: string, except: readonly string[]): T {
  if (typeof value === 'string') return `${mark}${value}` as T;
  if (Array.isArray(value)) return value.map((each) => marked<unknown>(each, mark, except)) as T;
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      except.includes(key) ? each : marked<unknown>(each, mark, except),
    ]),
  ) as T;
}

const OTHERS = 'belongs-to-globex:';
const chosen = ['tenant', 'kind', 'direction'];

test('no text of the other tenant’s side of a flow survives in the view', () => {
  fc.assert(
    fc.property(arbitraryOf('flow'), fc.boolean(), (arbitrary, ownsSource) => {
      const flow: Flow = { ...arbitrary };
      const [mine, theirs] = ownsSource
        ? (['source', 'destination'] as const)
        : (['destination', 'source'] as const);
      flow[mine] = { ...flow[mine], tenant: 'acme' };
      flow[theirs] = { ...marked(flow[theirs], OTHERS, chosen), tenant: 'globex' };
      if (theirs === 'destination') {
        flow.service = marked(flow.service, OTHERS, []);
        flow.request = marked(flow.request, OTHERS, []);
      }
      flow.policies = flow.policies.map((policy) =>
        (policy.direction === 'egress') === (theirs === 'source') ? marked(policy, OTHERS, chosen) : policy,
      );
      const view = tenantView('flow', flow, 'acme');
      assert.ok(view);
      assert.ok(!JSON.stringify(view).includes(OTHERS), JSON.stringify(view));
      assert.deepEqual(view[mine], flow[mine], 'its own side is whole');
      assert.equal(view[theirs].port, flow[theirs].port);
      assert.equal(view.verdict, flow.verdict);
    }),
  );
});

test('what could be turned back into the other side’s address or machine is not shown', () => {
  const flow = aFlow({ from: '10.1.1.1', to: '10.2.2.2' });
  flow.source.tenant = 'acme';
  flow.source.node = 'node-of-acme';
  flow.destination.tenant = 'globex';
  flow.destination.node = 'node-of-globex';
  flow.node = 'node-of-globex';
  flow.reporter = 'destination';
  const text = JSON.stringify(tenantView('flow', flow, 'acme'));
  assert.ok(!text.includes('globex-') && !text.includes('node-of-globex'), text);
  assert.ok(!text.includes('10.2.2.2'));
});

test('a record in which a tenant has no part is not shown at all', () => {
  const flow = aFlow();
  flow.source.tenant = 'globex';
  assert.equal(tenantView('flow', flow, 'acme'), null);
  flow.destination.tenant = 'acme';
  flow.source.tenant = 'acme';
  assert.deepEqual(tenantView('flow', flow, 'acme'), flow);
});

test('of an alert about another tenant only that something was decided is told', () => {
  fc.assert(
    fc.property(arbitraryOf('alert'), fc.boolean(), (arbitrary, isOwn) => {
      const others = marked(
        {
          target: arbitrary.target,
          destination: arbitrary.destination,
          policy: arbitrary.policy,
          evidence: arbitrary.evidence,
          ...(isOwn ? {} : { entity: arbitrary.entity, source: arbitrary.source, owner: arbitrary.owner }),
        },
        OTHERS,
        ['kind', 'direction'],
      );
      const alert: Alert = {
        ...arbitrary,
        ...others,
        tenant: isOwn ? 'acme' : 'globex',
        tenants: ['acme', 'globex'],
        why: { ...arbitrary.why, summary: `${OTHERS}told in words` },
        links: { ...arbitrary.links, search: `${OTHERS}link`, kibana: `${OTHERS}link` },
      };
      const view = tenantView('alert', alert, 'acme');
      assert.ok(view);
      assert.ok(!JSON.stringify(view).includes(OTHERS), JSON.stringify(view));
      assert.equal(view.outcome, alert.outcome);
      assert.equal(tenantView('alert', alert, 'initech'), null);
    }),
  );
});

test('an alert about a destination does not show its other tenant the source as its own side', () => {
  const entity = newParty({ key: 'c1/shop/Deployment/db' });
  Object.assign(entity, { kind: 'workload', namespace: 'shop', name: 'db', ip: '10.1.0.1' });
  const source = {
    ...newAlertEndpoint(),
    address: '10.2.0.2',
    namespace: 'globex-ns',
    workload: 'globex-app',
  };
  const destination = { ...newAlertEndpoint(), address: '10.1.0.1', namespace: 'shop', workload: 'db' };
  const alert = anAlert(1, { entity, source, destination, tenant: 'acme', tenants: ['acme', 'globex'] });
  const view = tenantView('alert', alert, 'acme');
  assert.equal(view?.source, null);
  assert.deepEqual(view?.destination, destination);
});

test('an alert that may name anybody is reduced for the one tenant that is known', () => {
  const alert = anAlert(1, { tenant: 'acme', tenants: ['acme', ANY_TENANT] });
  alert.evidence = { ...alert.evidence, peers: ['globex-ns/globex-app'] };
  assert.ok(!JSON.stringify(tenantView('alert', alert, 'acme')).includes('globex'));
  assert.equal(tenantView('alert', alert, 'initech'), null);
});

test('what the data plane said in its own words, and a policy whose side is not known, are not shown across tenants', () => {
  const flow = aFlow();
  flow.source.tenant = 'acme';
  flow.source.namespace = 'shop';
  flow.destination.tenant = 'globex';
  flow.verdictRaw = 'NP:globex-ns:deny-all';
  flow.dropReason = 'globex-ns/deny-all';
  const policy = { ...newPolicyRef(), kind: 'NetworkPolicy', name: 'p' };
  flow.policies = [
    { ...policy, namespace: 'globex-ns' },
    { ...policy, namespace: 'shop' },
  ];
  const view = tenantView('flow', flow, 'acme');
  assert.ok(!JSON.stringify(view).includes('globex-ns'));
  assert.equal(view?.policies.length, 1);
});
