import { rightsOf, spaceOf, type Right } from '../bulk/rights.ts';
import { _meta } from '../bulk/templates.ts';
import type { SetupRequest } from '../bulk/setup.ts';

/** Features of Kibana that a reader of Weir's data needs. */
const FEATURES = ['feature_discover.read', 'feature_dashboard.read', 'feature_visualize.read'];

/** The rights as roles of Elasticsearch, with those of Kibana. */
export const roles = (tenants: readonly string[]): SetupRequest[] => rightsOf(tenants).map(role);

function role({ name, why, does, events, state, tenant }: Right): SetupRequest {
  const isReader = does === 'read';
  const indices = isReader
    ? [{ names: [...events, ...state], privileges: ['read', 'view_index_metadata'] }]
    : [
        { names: events, privileges: ['create_doc', 'auto_configure'] },
        // What is closed is deleted by its age, for which it has to be found.
        { names: state, privileges: ['index', 'auto_configure', 'read', 'delete'] },
      ];
  return {
    method: 'PUT',
    path: `/_security/role/${name}`,
    body: {
      cluster: isReader ? [] : ['monitor'],
      indices,
      applications: isReader
        ? [
            {
              application: 'kibana-.kibana',
              privileges: FEATURES,
              resources: [tenant === null ? '*' : `space:${spaceOf(tenant)}`],
            },
          ]
        : [],
      metadata: _meta,
    },
    why,
  };
}

/** A space of Kibana for each tenant, as requests that Kibana's console takes. */
export const spaces = (tenants: readonly string[]): SetupRequest[] =>
  tenants.map((tenant) => ({
    method: 'POST',
    path: 'kbn:/api/spaces/space',
    body: {
      id: spaceOf(tenant),
      name: `Weir ${tenant}`,
      description: `What tenant ${tenant} may see of its network policy`,
    },
    why: `a space for tenant ${tenant}; its readers have the role of the tenant`,
  }));
