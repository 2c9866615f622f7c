import type { Endpoint, Flow } from '../../schema/records.ts';

/** Parts of the control plane, in the order of the code kept in an alert's facts. */
export const targets = ['api_server', 'kubelet', 'etcd', 'component', 'metadata'] as const;
export type Target = (typeof targets)[number];

const TCP = 6;

/**
 * Ports by what listens there (https://kubernetes.io/docs/reference/networking/ports-and-protocols/): 443 is the API server
 * only behind its service; 2379 and 2380 are etcd; 10257 and 10259 controller manager and scheduler, 10251 and 10252 their
 * ports before TLS; 10250 and 10255 the kubelet, 10255 without authentication.
 */
const PORTS: readonly (readonly [port: number, target: Target])[] = [
  [443, 'api_server'],
  [6443, 'api_server'],
  [10250, 'kubelet'],
  [10255, 'kubelet'],
  [2379, 'etcd'],
  [2380, 'etcd'],
  [10251, 'component'],
  [10252, 'component'],
  [10257, 'component'],
  [10259, 'component'],
];

/**
 * Addresses at which clouds hand out who an instance is and the credentials of its role: the link-local one of AWS, Google,
 * Azure, OpenStack and others; AWS and Google over IPv6; ECS tasks; EKS pod identity; Alibaba; Azure's wire server.
 */
const METADATA = new Set([
  '169.254.169.254',
  'fd00:ec2::254',
  'fd20:ce::254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::23',
  '100.100.100.200',
  '168.63.129.16',
]);

/** Index into `targets` plus one by port; 0 for all others. */
const targetByPort = new Uint8Array(65_536);
for (const [port, target] of PORTS) targetByPort[port] = targets.indexOf(target) + 1;

/** Namespaces that hold the control plane where its parts are known as pods. */
const CONTROL_PLANE = /^(kube-system|openshift-(etcd|kube-|apiserver|controller-manager).*)$/;

/** The part of the control plane a flow is for; null for nearly all flows, which must cost next to nothing. */
export function targetOf(flow: Flow): Target | null {
  const to = flow.destination;
  const code = to.port === null ? 0 : targetByPort[to.port]!;
  if (code !== 0 && (flow.protocol === TCP || flow.protocol === null)) {
    const target = targets[code - 1]!;
    return isPart(target, to, flow) ? target : null;
  }
  return to.ip !== null && mayBeMetadata(to.ip) && isMetadata(flow) ? 'metadata' : null;
}

function isPart(target: Target, to: Endpoint, flow: Flow): boolean {
  if (target === 'api_server') {
    if (isApiService(flow)) return true;
    if (to.port === 443) return isMember(to, 'kube-apiserver');
  }
  // An API server on a public address is one all the same, our own or somebody else's.
  if (to.kind === 'public')
    return target === 'api_server' && to.port === 6443 && flow.source.kind !== 'public';
  if (to.kind !== 'workload') return to.kind !== 'service' || target !== 'kubelet';
  // A pod on one of these ports is the control plane's only in its namespaces: charts bring etcd and webhooks of their own.
  return target !== 'kubelet' && to.namespace !== null && CONTROL_PLANE.test(to.namespace);
}

const isApiService = (flow: Flow): boolean =>
  (flow.service?.name === 'kubernetes' && flow.service.namespace === 'default') ||
  (flow.destination.kind === 'service' &&
    flow.destination.workload === 'kubernetes' &&
    flow.destination.namespace === 'default');

const isMember = (to: Endpoint, name: string): boolean =>
  to.workload !== null &&
  to.workload.startsWith(name) &&
  to.namespace !== null &&
  CONTROL_PLANE.test(to.namespace);

/** Cheap test by the first characters: 16…, 100… or fd…. */
function mayBeMetadata(ip: string): boolean {
  const first = ip.charCodeAt(0);
  if (first === 0x31) {
    const second = ip.charCodeAt(1);
    return second === 0x36 || (second === 0x30 && ip.charCodeAt(4) === 0x31);
  }
  return first === 0x66 && ip.charCodeAt(1) === 0x64;
}

/** The same addresses serve DNS (Google), time and DHCP; those are not asked for credentials. */
function isMetadata(flow: Flow): boolean {
  const { ip, port } = flow.destination;
  if (flow.protocol !== TCP && flow.protocol !== null) return false;
  return METADATA.has(ip!) && port !== 53;
}
