/** A small made-up cluster: who lives in it, and its objects as `kubectl get … -o json` prints them. */
export interface DemoPod {
  readonly namespace: string;
  readonly workload: string;
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly name: string;
  readonly ip: string;
  readonly node: string;
  readonly port: number | null;
}

export const demoNodes = [
  { name: 'worker-1', ip: '192.168.40.11' },
  { name: 'worker-2', ip: '192.168.40.12' },
  { name: 'worker-3', ip: '192.168.40.13' },
] as const;

const namespaces: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { tenant: 'retail', team: 'storefront' },
  payments: { tenant: 'retail', team: 'payments', pci: 'true' },
  analytics: { tenant: 'data', team: 'insights' },
  monitoring: { tenant: 'platform', team: 'platform' },
  'kube-system': { tenant: 'platform', team: 'platform' },
};

const workloads = [
  ['shop', 'frontend', 'Deployment', 3, 8080],
  ['shop', 'cart', 'Deployment', 2, 8080],
  ['shop', 'catalog', 'Deployment', 2, 8080],
  ['shop', 'redis', 'StatefulSet', 1, 6379],
  ['payments', 'gateway', 'Deployment', 2, 8443],
  ['payments', 'ledger', 'StatefulSet', 2, 5432],
  ['analytics', 'reports', 'Deployment', 1, 8080],
  ['analytics', 'notebook', 'Deployment', 1, 8888],
  ['monitoring', 'prometheus', 'StatefulSet', 1, 9090],
  ['kube-system', 'coredns', 'Deployment', 2, 53],
] as const;

export const demoPods: readonly DemoPod[] = workloads.flatMap(
  ([namespace, workload, kind, replicas, port], w) =>
    Array.from({ length: replicas }, (_, i) => ({
      namespace,
      workload,
      kind,
      name:
        kind === 'StatefulSet'
          ? `${workload}-${i}`
          : `${workload}-${hash(workload)}-${'bcdfghjk'[(w + i) % 8]}${w}x${i}z`,
      ip: `10.244.${w + 1}.${10 + i}`,
      node: demoNodes[(w + i) % demoNodes.length]!.name,
      port,
    })),
);

function hash(text: string): string {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + char.charCodeAt(0)) % 0xfffffff;
  return sum.toString(16).padStart(7, '0').slice(0, 7);
}

/** The objects as one list, created long before any flow. */
export function demoInventory(): object {
  const created = '2026-01-01T00:00:00Z';
  const meta = (name: string, namespace?: string, more: object = {}): object => ({
    name,
    ...(namespace ? { namespace } : {}),
    uid: `demo-${namespace ?? ''}-${name}`,
    creationTimestamp: created,
    ...more,
  });
  const items: object[] = [];
  for (const [name, labels] of Object.entries(namespaces))
    items.push({ apiVersion: 'v1', kind: 'Namespace', metadata: meta(name, undefined, { labels }) });
  for (const { name, ip } of demoNodes)
    items.push({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: meta(name),
      status: { addresses: [{ type: 'InternalIP', address: ip }] },
    });
  for (const [namespace, workload, kind, , port] of workloads) {
    items.push({ apiVersion: 'apps/v1', kind, metadata: meta(workload, namespace), spec: {} });
    if (kind === 'Deployment')
      items.push({
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: meta(`${workload}-${hash(workload)}`, namespace, {
          uid: `demo-rs-${workload}`,
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'Deployment',
              name: workload,
              uid: `demo-${namespace}-${workload}`,
              controller: true,
            },
          ],
        }),
      });
    items.push({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(workload, namespace, { uid: `demo-svc-${workload}` }),
      spec: {
        clusterIP: `10.96.0.${10 + items.length}`,
        clusterIPs: [`10.96.0.${10 + items.length}`],
        ports: [{ name: 'main', port, protocol: 'TCP' }],
      },
    });
  }
  for (const pod of demoPods) items.push(podObject(pod, created));
  return { apiVersion: 'v1', kind: 'List', items };
}

function podObject(pod: DemoPod, created: string): object {
  const owner =
    pod.kind === 'Deployment'
      ? { kind: 'ReplicaSet', name: `${pod.workload}-${hash(pod.workload)}`, uid: `demo-rs-${pod.workload}` }
      : { kind: 'StatefulSet', name: pod.workload, uid: `demo-${pod.namespace}-${pod.workload}` };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      uid: `demo-pod-${pod.name}`,
      creationTimestamp: created,
      labels: { app: pod.workload },
      ownerReferences: [{ apiVersion: 'apps/v1', controller: true, ...owner }],
    },
    spec: {
      nodeName: pod.node,
      serviceAccountName: pod.workload,
      containers: pod.port === null ? [] : [{ name: pod.workload, ports: [{ containerPort: pod.port }] }],
    },
    status: { phase: 'Running', podIP: pod.ip, podIPs: [{ ip: pod.ip }], startTime: created },
  };
}
