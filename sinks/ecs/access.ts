import type { Access } from '../../schema/records.ts';
import { anyJson } from '../records/json.ts';
import { head, orchestrator, related, type Target } from './parts.ts';

/** Who looked at what, or changed it: access to audit data is audited itself. */
export function accessDocument(access: Access, target: Target): string {
  return anyJson({
    ...head('access', target, access.timeMs, {
      id: access.id,
      kind: 'event',
      category: ['database'],
      type: ['access'],
      action: access.action,
      outcome: 'success',
    }),
    message: access.detail,
    user: { name: access.user },
    related: related({ users: [access.user] }),
    orchestrator: orchestrator(access.cluster),
    weir: {
      kind: 'access',
      access: { rows: access.rows },
      tenant: access.tenant,
      tenants: access.tenant === null ? null : [access.tenant],
    },
  });
}
