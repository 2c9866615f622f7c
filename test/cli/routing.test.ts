import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFrom } from '../../cli/config/index.ts';
import { viewOf } from '../../cli/wire/sinks.ts';
import { newIncident, type Alert, type Incident, type Severity } from '../../schema/records.ts';
import { anAlert } from '../helpers/alerts.ts';

/** What a sink of this configuration is shown of these alerts, by their place. */
function shown(sink: object, alerts: readonly Alert[]): number[] {
  const [config] = configFrom(
    JSON.stringify({ sinks: { it: { type: 'webhook', url: 'http://127.0.0.1', ...sink } } }),
    {
      env: {},
    },
  ).sinks;
  const view = viewOf(config!);
  return alerts.flatMap((alert, i) => (view('alert', alert) === null ? [] : [i]));
}
const where = (text: string): object => ({ records: { alert: { where: text } } });

test('routes: by severity, scope and detector with where, by tenant with tenant', () => {
  const alerts = [
    anAlert(0, { severity: 'low', detector: 'port_scan' }),
    anAlert(1, { severity: 'high', detector: 'beacon', scopes: ['pci'] }),
    anAlert(2, { severity: 'critical', detector: 'port_scan', tenant: 'acme', tenants: ['acme'] }),
  ];
  assert.deepEqual(shown(where('severity >= high'), alerts), [1, 2]);
  assert.deepEqual(shown(where('scopes : pci'), alerts), [1]);
  assert.deepEqual(shown(where('detector : port_scan and not severity : low'), alerts), [2]);
  assert.deepEqual(shown({ tenant: 'acme' }, alerts), [2]);
  assert.deepEqual(
    shown({ tenant: 'globex', ...where('tenant : acme') }, alerts),
    [],
    'no filter widens a tenant',
  );
});

test('who is woken is not told of what is suppressed or long past; a file is', () => {
  const alerts = [anAlert(0), anAlert(1, { suppressedBy: 'pentest' }), anAlert(2, { historical: true })];
  assert.deepEqual(shown({}, alerts), [0]);
  assert.deepEqual(shown({ type: 'alertmanager', url: undefined, urls: 'http://127.0.0.1' }, alerts), [0]);
  assert.deepEqual(shown({ type: 'splunk_hec', token: 'x' }, alerts), [0, 2], 'a SIEM keeps what is past');
  assert.deepEqual(shown({ type: 'file', url: undefined, path: '/dev/null' }, alerts), [0, 1, 2]);
});

test('an incident is told once for each step in severity, and its end', () => {
  const [config] = configFrom(
    JSON.stringify({
      sinks: {
        it: {
          type: 'webhook',
          url: 'http://127.0.0.1',
          records: { incident: { where: 'severity >= high and (notify : true or state : closed)' } },
        },
      },
    }),
    { env: {} },
  ).sinks;
  const view = viewOf(config!);
  const revision = (severity: Severity, notify: boolean, state: Incident['state'] = 'updated'): Incident => ({
    ...newIncident({
      id: 'i',
      revision: 0,
      cluster: 'c',
      entity: anAlert(1).entity,
      score: 0.5,
      firstMs: 0,
      lastMs: 0,
      story: { summary: '', normal: null, question: null, query: null },
    }),
    severity,
    notify,
    state,
  });
  const told = [
    revision('medium', true, 'new'),
    revision('high', true),
    revision('high', false),
    revision('critical', true),
    revision('critical', false),
    revision('critical', false, 'closed'),
  ].map((incident) => view('incident', incident) !== null);
  assert.deepEqual(told, [false, true, false, true, false, true]);
});

test('a heartbeat of less than a second, and one of a store, are refused', () => {
  const sinks = (sink: object): string => JSON.stringify({ sinks: { it: sink } });
  assert.throws(
    () => configFrom(sinks({ type: 'webhook', url: 'http://127.0.0.1', heartbeat: '0' }), { env: {} }),
    /heartbeat.*at least 1s/s,
  );
  assert.throws(() => configFrom(sinks({ type: 'store', heartbeat: '1m' }), { env: {} }), /nobody there/);
});
