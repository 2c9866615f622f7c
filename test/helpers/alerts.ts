import { digest } from '../../schema/ids.ts';
import { newAlert, newParty, type Alert } from '../../schema/records.ts';
import { T0 } from './flows.ts';

/** A plain alert; everything that is not given is the same each time, the id follows from `nth`. */
export function anAlert(nth: number, parts: Partial<Alert> = {}): Alert {
  const entity = newParty({ key: `test/shop/Deployment/web-${nth}` });
  entity.kind = 'workload';
  entity.namespace = 'shop';
  entity.name = `web-${nth}`;
  return {
    ...newAlert({
      id: digest(22, 'alert', nth),
      revision: 0,
      detector: 'port_scan',
      rule: 'Port scan',
      score: 0.8,
      entity,
      cluster: 'test',
      firstMs: T0,
      lastMs: T0 + 1000,
      raisedMs: T0 + 1000,
      count: 25,
      why: {
        summary: `web-${nth} tried 25 ports`,
        factors: [{ name: 'ports', observed: 25, expected: 2, threshold: 20 }],
        historyMs: 0,
        learning: false,
      },
      evidence: { flows: [], flowIds: [], ports: [22, 80], peers: [], policies: [], records: [] },
      links: { runbook: null, search: null, kibana: null },
    }),
    action: 'opened',
    severity: 'medium',
    ...parts,
  };
}
