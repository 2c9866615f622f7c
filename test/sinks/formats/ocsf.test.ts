import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Delivery } from '../../../pipeline/contracts.ts';
import {
  AlertActions,
  EndpointKinds,
  IncidentStates,
  Outcomes,
  Reporters,
  Severities,
  Verdicts,
  newEndpoint,
} from '../../../schema/records.ts';
import { ocsfPayload } from '../../../sinks/formats/ocsf/index.ts';
import { aFlow } from '../../helpers/flows.ts';
import { anAlert, delivery, nastyStrings } from '../syslog/records.ts';
import { aChange, aLoss, anAccess, anIncident } from './records.ts';
import { baseEvent, detectionFinding, networkActivity, problemsOf, type ObjectRules } from './ocsf-schema.ts';

const payload = ocsfPayload({ version: '1.2.3', fields: {} });
const event = (item: Delivery, cap: number | null = null): Record<string, unknown> =>
  JSON.parse(payload(item, cap)) as Record<string, unknown>;

function check(item: Delivery, rules: ObjectRules): Record<string, unknown> {
  const whole = event(item);
  assert.deepEqual(problemsOf(whole, rules), []);
  assert.equal(whole['type_uid'], (whole['class_uid'] as number) * 100 + (whole['activity_id'] as number));
  for (const cap of [2048, 128, 48, 16]) assert.deepEqual(problemsOf(event(item, cap), rules), []);
  assert.deepEqual(problemsOf(event(item, 0), baseEvent), []);
  return whole;
}

test('ocsf: flows are Network Activity whatever they hold', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Verdicts),
      fc.constantFrom(...EndpointKinds),
      fc.constantFrom(...EndpointKinds),
      fc.constantFrom(...Reporters),
      fc.option(fc.integer({ min: 0, max: 255 })),
      fc.boolean(),
      (verdict, from, to, reporter, protocol, isBare) => {
        const flow = aFlow({ verdict });
        flow.protocol = protocol;
        flow.reporter = reporter;
        if (isBare) {
          flow.source = newEndpoint();
          flow.destination = newEndpoint();
        }
        flow.source.kind = from;
        flow.destination.kind = to;
        check(delivery('flow', flow), networkActivity);
      },
    ),
  );
  const denied = check(delivery('flow', aFlow({ verdict: 'deny' })), networkActivity);
  assert.deepEqual([denied['activity_id'], denied['action_id'], denied['disposition_id']], [5, 2, 2]);
});

test('ocsf: alerts and incidents are Detection Findings', () => {
  for (const action of AlertActions)
    for (const severity of Severities)
      for (const outcome of Outcomes) {
        const alert = anAlert('A1');
        Object.assign(alert, { action, severity, outcome });
        if (action === 'closed')
          Object.assign(alert, { source: null, destination: null, policy: null, owner: 'team' });
        alert.attack = [
          {
            tacticId: 'TA0007',
            tactic: 'Discovery',
            techniqueId: 'T1046',
            technique: 'Network Service Discovery',
          },
          { tacticId: 'TA0011', tactic: 'Command and Control', techniqueId: null, technique: null },
        ];
        const whole = check(delivery('alert', alert), detectionFinding);
        assert.equal((whole['finding_info'] as { uid: string }).uid, 'A1');
      }
  for (const state of IncidentStates) {
    const incident = anIncident('I1');
    incident.state = state;
    check(delivery('incident', incident), detectionFinding);
  }
});

test('ocsf: what has no class of its own is a Base Event with the record', () => {
  for (const item of [
    delivery('policy_change', aChange('C1')),
    delivery('loss', aLoss('L1')),
    delivery('access', anAccess('X1')),
  ])
    assert.equal((check(item, baseEvent)['unmapped'] as { id: string }).id, item.record.id);
});

test('ocsf: nasty strings arrive as they were, on one line', () => {
  for (const text of nastyStrings) {
    const line = payload(delivery('alert', anAlert('A1', text)), null);
    assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
    const got = JSON.parse(Buffer.from(line).toString()) as { message: string; unmapped: { rule: string } };
    assert.equal(got.message, text);
  }
});
