import { T0 } from './flows.ts';
import { seededRandom } from './random.ts';

/** Shape of a generated cluster; the same shape and seed give the same objects. */
export interface ClusterShape {
  readonly namespaces?: number;
  readonly seed?: number;
  readonly nodes?: number;
  readonly deploymentsPerNamespace?: number;
  readonly replicas?: number;
  /** When everything was made; 30 days before the time of test flows unless told. */
  readonly createdMs?: number;
  /** Every n-th namespace is in scope of `bank.example/pci: "true"`. */
  readonly pciEvery?: number;
  /** Values of `bank.example/tenant`, given out in turn. */
  readonly tenants?: readonly string[];
}

export interface GeneratedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly deployment: string;
  readonly node: string;
  readonly port: number;
}

export interface GeneratedService {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly targetPort: number;
}

export interface GeneratedNamespace {
  readonly name: string;
  readonly tenant: string;
  readonly pci: boolean;
}

export interface GeneratedCluster {
  /** As `kubectl get … -A -o json` prints it; NetworkPolicies are among the items. */
  readonly list: { readonly apiVersion: 'v1'; readonly kind: 'List'; readonly items: readonly object[] };
  readonly namespaces: readonly GeneratedNamespace[];
  readonly nodes: readonly { readonly name: string; readonly ip: string }[];
  readonly pods: readonly GeneratedPod[];
  readonly services: readonly GeneratedService[];
}

/** Labels the generated namespaces carry. */
export const TENANT_LABEL = 'bank.example/tenant';
export const PCI_LABEL = 'bank.example/pci';
export const TEAM_LABEL = 'bank.example/team';

const APPS = ['api', 'web', 'worker', 'ledger', 'cache', 'gateway', 'search', 'auth'];
const HASH = '456789bcdf';
const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A cluster as a bank may run it: namespaces of several tenants, some of them in scope of PCI, each closed by a
 * default-deny policy with the doors its services need; Deployments with their ReplicaSets and pods; ClusterIP
 * services with their endpoint slices; nodes in three zones.
 */
export function generateCluster(shape: ClusterShape = {}): GeneratedCluster {
  const {
    namespaces: namespaceCount = 6,
    nodes: nodeCount = 3,
    deploymentsPerNamespace = 2,
    replicas = 2,
  } = shape;
  const tenants = shape.tenants ?? ['payments', 'retail', 'platform'];
  const pciEvery = shape.pciEvery ?? 5;
  const random = seededRandom(shape.seed ?? 1);
  const created = new Date(shape.createdMs ?? T0 - 30 * 86_400_000).toISOString().replace('.000Z', 'Z');
  const items: object[] = [];
  const pods: GeneratedPod[] = [];
  const services: GeneratedService[] = [];
  let serial = 0;

  const uid = (): string => `00000000-0000-4000-8000-${(++serial).toString(16).padStart(12, '0')}`;
  const letters = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]!).join('');
  const add = (apiVersion: string, kind: string, metadata: object, rest: object = {}): string => {
    const id = uid();
    items.push({ apiVersion, kind, metadata: { ...metadata, uid: id, creationTimestamp: created }, ...rest });
    return id;
  };
  const owned = (kind: string, name: string, id: string) => ({
    ownerReferences: [
      { apiVersion: 'apps/v1', kind, name, uid: id, controller: true, blockOwnerDeletion: true },
    ],
  });

  const nodes = Array.from({ length: nodeCount }, (_, i) => ({
    name: `node-${i + 1}`,
    ip: `10.0.${Math.floor(i / 250)}.${(i % 250) + 1}`,
  }));
  nodes.forEach((node, i) => {
    const labels = {
      'kubernetes.io/hostname': node.name,
      'topology.kubernetes.io/zone': `zone-${'abc'[i % 3]}`,
    };
    const addresses = [
      { type: 'InternalIP', address: node.ip },
      { type: 'Hostname', address: node.name },
    ];
    add('v1', 'Node', { name: node.name, labels }, { status: { addresses } });
  });

  const namespaces = Array.from({ length: namespaceCount }, (_, i): GeneratedNamespace => {
    const tenant = tenants[i % tenants.length]!;
    return { name: `${tenant}-${String(i + 1).padStart(3, '0')}`, tenant, pci: (i + 1) % pciEvery === 0 };
  });

  for (const { name: namespace, tenant, pci } of namespaces) {
    const labels = {
      'kubernetes.io/metadata.name': namespace,
      [TENANT_LABEL]: tenant,
      [TEAM_LABEL]: `team-${tenant}`,
      ...(pci ? { [PCI_LABEL]: 'true' } : {}),
    };
    add('v1', 'Namespace', { name: namespace, labels });
    add(
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { namespace, name: 'default-deny' },
      { spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
    );
    for (let d = 0; d < deploymentsPerNamespace; d++) {
      const app = d < APPS.length ? APPS[d]! : `${APPS[d % APPS.length]}${Math.floor(d / APPS.length) + 1}`;
      const port = 8_080 + d;
      const appLabels = { app };
      const hash = letters(HASH, 10);
      const podLabels = { ...appLabels, 'pod-template-hash': hash };
      const selector = { matchLabels: appLabels };
      const deployment = add(
        'apps/v1',
        'Deployment',
        { namespace, name: app, labels: appLabels },
        { spec: { replicas, selector } },
      );
      const set = `${app}-${hash}`;
      const setUid = add('apps/v1', 'ReplicaSet', {
        namespace,
        name: set,
        labels: podLabels,
        ...owned('Deployment', app, deployment),
      });
      const addresses: string[] = [];
      for (let r = 0; r < replicas; r++) {
        const index = pods.length;
        const node = nodes[index % nodes.length]!;
        const ip = `10.${128 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${(index % 250) + 2}`;
        const name = `${set}-${letters(SUFFIX, 5)}`;
        const ports = [{ name: 'http', containerPort: port, protocol: 'TCP' }];
        const id = add(
          'v1',
          'Pod',
          { namespace, name, labels: podLabels, ...owned('ReplicaSet', set, setUid) },
          {
            spec: { nodeName: node.name, serviceAccountName: app, containers: [{ name: app, ports }] },
            status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], hostIP: node.ip, startTime: created },
          },
        );
        pods.push({ namespace, name, uid: id, ip, deployment: app, node: node.name, port });
        addresses.push(ip);
      }
      const number = services.length + 1;
      const clusterIP = `172.30.${Math.floor(number / 250)}.${(number % 250) + 1}`;
      const service = { namespace, name: app, ip: clusterIP, port: 80, targetPort: port };
      services.push(service);
      const ports = [{ name: 'http', port: 80, targetPort: port, protocol: 'TCP' }];
      add(
        'v1',
        'Service',
        { namespace, name: app, labels: appLabels },
        { spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], selector: appLabels, ports } },
      );
      add(
        'discovery.k8s.io/v1',
        'EndpointSlice',
        { namespace, name: `${app}-${letters(SUFFIX, 5)}`, labels: { 'kubernetes.io/service-name': app } },
        {
          addressType: 'IPv4',
          ports: [{ name: 'http', port, protocol: 'TCP' }],
          endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
        },
      );
      const from = [{ namespaceSelector: { matchLabels: { [TENANT_LABEL]: tenant } } }];
      add(
        'networking.k8s.io/v1',
        'NetworkPolicy',
        { namespace, name: `allow-${app}` },
        {
          spec: {
            podSelector: { matchLabels: appLabels },
            policyTypes: ['Ingress'],
            ingress: [{ from, ports: [{ protocol: 'TCP', port }] }],
          },
        },
      );
    }
  }
  return { list: { apiVersion: 'v1', kind: 'List', items }, namespaces, nodes, pods, services };
}
