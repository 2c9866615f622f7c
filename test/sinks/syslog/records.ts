import type { Delivery } from '../../../pipeline/contracts.ts';
import {
  newAlert,
  newAlertEndpoint,
  newEvidence,
  newLinks,
  newParty,
  newPolicyRef,
  newWhy,
  type Alert,
  type RecordKind,
  type RecordTypes,
} from '../../../schema/records.ts';
import { T0 } from '../../helpers/flows.ts';

let offset = 0;

export const delivery = <K extends RecordKind>(kind: K, record: RecordTypes[K]): Delivery<K> => ({
  kind,
  record,
  topic: `weir.${kind}s`,
  partition: 0,
  offset: offset++,
  bytes: null,
});

/** An alert whose every free text is `text`. */
export function anAlert(id: string, text = 'plain'): Alert {
  const alert = newAlert({
    id,
    revision: 2,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.75,
    entity: { ...newParty({ key: text }), kind: 'workload', ip: '10.0.0.7', namespace: 'shop', name: text },
    cluster: 'prod-eu-1',
    firstMs: T0,
    lastMs: T0 + 1000,
    raisedMs: T0 + 2000,
    count: 17,
    why: newWhy({ summary: text }),
    evidence: newEvidence(),
    links: newLinks(),
  });
  alert.action = 'escalated';
  alert.severity = 'high';
  alert.outcome = 'blocked';
  alert.protocol = 6;
  alert.tenant = text;
  alert.source = {
    ...newAlertEndpoint(),
    address: '10.0.0.7',
    port: 40_000,
    pod: 'web-1',
    namespace: 'shop',
    workload: text,
  };
  alert.destination = { ...newAlertEndpoint(), address: '2001:db8::5', port: 443, namespace: text };
  alert.policy = { ...newPolicyRef(), namespace: 'shop', name: text, action: 'deny' };
  return alert;
}

/** Strings made to break a line, a field or a parser. */
export const nastyStrings: readonly string[] = [
  'two\nlines',
  'carriage\rreturn\r\n<13>1 2026-01-01T00:00:00Z forged app - - - forged',
  'nul\u0000byte and bell\u0007 and del\u007f and nel\u0085',
  'lone \ud800 high and low \udc00 surrogate',
  'pipe | equals = backslash \\ key=value \\n \\= \\|',
  'brackets [x] ] quotes " and \\] \\"',
  'tab\tinside',
  'right to left \u202e\u200f and separators \u2028 \u2029',
  'emoji 🦆 and 日本語 ünïcödé',
  '\ufeffbyte order mark first',
  '#012 as rsyslog writes it',
  '%s %n $(id) ${HOME} `id`',
  ' CEF:0|x|y|1|2|n|5|src=1.1.1.1 act=allowed',
];
