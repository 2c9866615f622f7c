import { rightsOf, spaceOf, type Right } from '../bulk/rights.ts';
import type { SetupRequest } from '../bulk/setup.ts';

/** The rights as roles of the security plugin. */
export const roles = (tenants: readonly string[]): SetupRequest[] => rightsOf(tenants).map(role);

function role({ name, why, does, events, state, tenant }: Right): SetupRequest {
  const isReader = does === 'read';
  return {
    method: 'PUT',
    path: `/_plugins/_security/api/roles/${name}`,
    body: {
      cluster_permissions: isReader ? [] : ['cluster_monitor', 'indices:data/write/bulk'],
      index_permissions: isReader
        ? [{ index_patterns: [...events, ...state], allowed_actions: ['read', 'indices:admin/mappings/get'] }]
        : [
            // Data streams and indices are made by the first record.
            {
              index_patterns: events,
              allowed_actions: ['indices:data/write/index', 'indices:data/write/bulk*', 'create_index'],
            },
            // What is closed is deleted by its age, for which it has to be found.
            {
              index_patterns: state,
              allowed_actions: [
                'indices:data/write/index',
                'indices:data/write/bulk*',
                'create_index',
                'indices:data/read/search',
                'indices:data/write/delete',
              ],
            },
          ],
      tenant_permissions:
        isReader && tenant !== null
          ? [{ tenant_patterns: [spaceOf(tenant)], allowed_actions: ['kibana_all_read'] }]
          : [],
    },
    why,
  };
}

/** A tenant of OpenSearch Dashboards for each tenant. */
export const dashboardTenants = (tenants: readonly string[]): SetupRequest[] =>
  tenants.map((tenant) => ({
    method: 'PUT',
    path: `/_plugins/_security/api/tenants/${spaceOf(tenant)}`,
    body: { description: `What tenant ${tenant} may see of its network policy` },
    why: `a tenant of OpenSearch Dashboards for tenant ${tenant}`,
  }));
