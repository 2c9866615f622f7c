import type { Endpoint, Inventory } from '../schema/records.ts';
import { entityOf, type Identity } from './identity.ts';
import type { Window } from './inventory/timeline.ts';
import { climb, withoutNode, workloadOfName, type Workload } from './inventory/workload.ts';
import type { Question } from './question.ts';

/** The key of an endpoint that has no address; null where the source says nothing of it. */
export function entityWithoutAddress(cluster: string, endpoint: Endpoint): string | null {
  if (endpoint.namespace !== null) return entityOf.namespace(cluster, endpoint.namespace);
  if (endpoint.networkSet !== null) return entityOf.networkSet(cluster, endpoint.networkSet);
  return endpoint.kind === 'public' || endpoint.kind === 'private'
    ? entityOf.outside(cluster, endpoint.kind)
    : null;
}

/** The workload the source named, brought to the one that lasts; else the inventory's; else what the pod's name tells. */
export function statedWorkload(
  q: Question,
  endpoint: Endpoint,
  known: Identity | null,
  pod: Inventory | null,
  window: Window,
): Workload | null {
  const { workload: name, workloadKind: kind, namespace } = endpoint;
  if (name !== null) {
    if (kind === null) return { kind: known?.workload === name ? known.workloadKind! : 'Workload', name };
    // The API gives a static pod to its node, and a bare pod to none, which some sources write as itself.
    if (kind === 'Node' && endpoint.pod !== null)
      return { kind: 'Pod', name: withoutNode(endpoint.pod, name) };
    if (kind === 'Pod' && known?.workload) return { kind: known.workloadKind!, name: known.workload };
    return climb({ kind, name }, namespace, pod, q.view, q.timeMs, window);
  }
  if (known?.workload) return { kind: known.workloadKind!, name: known.workload };
  if (endpoint.pod === null) return null;
  if (endpoint.kind === 'service') return { kind: 'Service', name: endpoint.pod };
  return workloadOfName(endpoint.pod) ?? { kind: 'Pod', name: endpoint.pod };
}
