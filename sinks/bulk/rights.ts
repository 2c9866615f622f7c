import { datasetOf, eventStreams, namespaceOf, stateIndices } from '../ecs/streams.ts';

/** Who may do what with which indices; each product writes it as its roles. */
export interface Right {
  readonly name: string;
  readonly why: string;
  readonly does: 'write' | 'read';
  readonly events: readonly string[];
  readonly state: readonly string[];
  /** Tenant whose space it may open; null where it is for all. */
  readonly tenant: string | null;
}

const states = Object.values(stateIndices);

/** Writers and readers: of everything, of each kind, of each tenant that has streams of its own. */
export function rightsOf(tenants: readonly string[]): Right[] {
  return [
    {
      name: 'weir_writer',
      why: 'what a sink without a tenant needs, and no more',
      does: 'write',
      events: ['logs-weir.*-*', ...eventStreams.map((stream) => `weir-${stream}-*`)],
      state: states,
      tenant: null,
    },
    {
      name: 'weir_reader',
      why: 'reads everything of every tenant',
      does: 'read',
      events: ['logs-weir.*-*', ...eventStreams.map((stream) => `weir-${stream}-*`)],
      state: states.map((index) => `${index}*`),
      tenant: null,
    },
    ...eventStreams.map((stream) => ({
      name: `weir_reader_${stream}`,
      why: `reads ${stream} of every tenant`,
      does: 'read' as const,
      events: [`logs-${datasetOf(stream)}-*`, `weir-${stream}-*`],
      state: stream === 'alert' ? states.map((index) => `${index}*`) : [],
      tenant: null,
    })),
    ...tenants.flatMap((tenant) => {
      const namespace = namespaceOf(tenant);
      const own = {
        events: [
          `logs-weir.*-${namespace}`,
          ...eventStreams.map((stream) => `weir-${stream}-${namespace}-*`),
        ],
        state: states.map((index) => `${index}-${namespace}`),
        tenant,
      };
      return [
        {
          name: `weir_writer_tenant_${namespace}`,
          why: `what the sink of tenant ${tenant} needs, and no more`,
          does: 'write' as const,
          ...own,
        },
        {
          name: `weir_reader_tenant_${namespace}`,
          why: `reads what tenant ${tenant} may see, in its own space`,
          does: 'read' as const,
          ...own,
        },
      ];
    }),
  ];
}

/** Id of the space of a tenant: Kibana takes `a-z`, `0-9`, `_` and `-`. */
export const spaceOf = (tenant: string): string => `weir-${namespaceOf(tenant).replaceAll('.', '-')}`;
