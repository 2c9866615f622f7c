import { newInventory, newInventoryPort, type Inventory, type InventoryPort } from '../../schema/records.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { canonicalAddress } from '../../query/address.ts';
import { arrayAt, numberAt, objectAt, stringAt, stringsAt, type Json } from './json.ts';

/** Kinds that say who an address belongs to; others are passed over. */
export const inventoryKinds: ReadonlySet<string> = new Set([
  'Pod',
  'Service',
  'Node',
  'Namespace',
  'ReplicaSet',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'EndpointSlice',
  'ReplicationController',
  'DeploymentConfig',
  'Rollout',
]);

const MIRROR = 'kubernetes.io/config.mirror';
const SOURCE = 'kubernetes.io/config.source';
const ZONES = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];
const KEPT_ANNOTATIONS = [
  'openshift.io/deployment-config.name',
  'k8s.v1.cni.cncf.io/network-status',
  'k8s.ovn.org/pod-networks',
];
const PROTOCOLS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/**
 * One object as the Kubernetes API writes it, to the record of its incarnation; null for a kind that says nothing
 * about addresses. A pod is valid from `status.startTime`, and to the end of its last container where it has
 * ended (its address is free then, though the object still shows it); everything is valid to its
 * `deletionTimestamp` where it has one. Throws `config_invalid` saying which field is wrong.
 */
export function decodeObject(
  object: Json,
  cluster: string,
  listKind: string | null = null,
): Inventory | null {
  const kind = stringAt(object, 'kind') ?? listKind;
  if (kind === null) throw invalid('expected a field "kind"');
  if (!inventoryKinds.has(kind)) return null;
  const metadata = objectAt(object, 'metadata');
  const name = stringAt(metadata, 'name');
  if (name === null || name === '') throw invalid(`${kind}: expected a field "metadata.name"`);
  const namespace = stringAt(metadata, 'namespace') || null;
  const where = `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
  const uid = stringAt(metadata, 'uid') ?? `${namespace ?? ''}/${name}`;
  const created = timeAt(metadata, 'creationTimestamp', where);
  const record = newInventory({ id: `${kind}/${uid}`, cluster, kind, uid, name, validFromMs: created ?? 0 });
  record.namespace = namespace;
  record.validToMs = timeAt(metadata, 'deletionTimestamp', where);
  record.labels = stringMap(objectAt(metadata, 'labels'));
  const annotations = stringMap(objectAt(metadata, 'annotations'));
  record.annotations = pick(annotations, KEPT_ANNOTATIONS);
  const owner = controllerOf(metadata);
  record.ownerKind = stringAt(owner, 'kind');
  record.ownerName = stringAt(owner, 'name');
  if (kind === 'Pod') pod(record, object, where, annotations);
  else if (kind === 'Service') service(record, object);
  else if (kind === 'Node') node(record, object);
  else if (kind === 'EndpointSlice') slice(record, object);
  return record;
}

function pod(
  record: Inventory,
  object: Json,
  where: string,
  annotations: Readonly<Record<string, string>> | null,
): void {
  const spec = objectAt(object, 'spec');
  const status = objectAt(object, 'status');
  record.validFromMs = timeAt(status, 'startTime', where) ?? record.validFromMs;
  record.node = stringAt(spec, 'nodeName');
  record.serviceAccount = stringAt(spec, 'serviceAccountName') ?? stringAt(spec, 'serviceAccount');
  record.hostNetwork = spec?.['hostNetwork'] === true;
  record.static =
    annotations?.[MIRROR] !== undefined ||
    (annotations?.[SOURCE] !== undefined && annotations[SOURCE] !== 'api') ||
    record.ownerKind === 'Node';
  record.ips = addresses([
    stringAt(status, 'podIP'),
    ...arrayAt(status, 'podIPs').map((entry) => stringAt(entry, 'ip')),
  ]);
  const containers = [...arrayAt(spec, 'containers'), ...arrayAt(spec, 'initContainers').filter(isSidecar)];
  record.ports = containers.flatMap((container) =>
    ports(arrayAt(container, 'ports'), 'containerPort', 'hostPort'),
  );
  const phase = stringAt(status, 'phase');
  if (phase === 'Succeeded' || phase === 'Failed') {
    record.validToMs = endOfPod(status, where) ?? record.validToMs ?? record.validFromMs;
  }
}

/** A sidecar is an init container that goes on running (Kubernetes 1.28). */
const isSidecar = (container: Json): boolean => container['restartPolicy'] === 'Always';

function endOfPod(status: Json | null, where: string): number | null {
  const ends = arrayAt(status, 'containerStatuses')
    .map((entry) => timeAt(objectAt(objectAt(entry, 'state'), 'terminated'), 'finishedAt', where))
    .filter((end) => end !== null);
  if (ends.length > 0) return Math.max(...ends);
  const ready = arrayAt(status, 'conditions').find((condition) => stringAt(condition, 'type') === 'Ready');
  return timeAt(ready ?? null, 'lastTransitionTime', where);
}

function service(record: Inventory, object: Json): void {
  const spec = objectAt(object, 'spec');
  const balancer = objectAt(objectAt(object, 'status'), 'loadBalancer');
  record.ips = addresses([
    stringAt(spec, 'clusterIP'),
    ...stringsAt(spec, 'clusterIPs'),
    ...stringsAt(spec, 'externalIPs'),
    ...arrayAt(balancer, 'ingress').map((entry) => stringAt(entry, 'ip')),
  ]);
  record.ports = ports(arrayAt(spec, 'ports'), 'port', 'nodePort');
}

function node(record: Inventory, object: Json): void {
  const listed = arrayAt(objectAt(object, 'status'), 'addresses');
  record.ips = addresses(listed.map((entry) => stringAt(entry, 'address')));
  record.node = record.name;
  record.zone = ZONES.map((label) => record.labels?.[label]).find((zone) => zone !== undefined) ?? null;
}

function slice(record: Inventory, object: Json): void {
  record.service =
    record.labels?.['kubernetes.io/service-name'] ??
    (record.ownerKind === 'Service' ? record.ownerName : null);
  record.ips = addresses(
    arrayAt(object, 'endpoints').flatMap((endpoint) => stringsAt(endpoint, 'addresses')),
  );
  record.ports = ports(arrayAt(object, 'ports'), 'port', null);
}

function ports(list: readonly Json[], portField: string, nodePortField: string | null): InventoryPort[] {
  const out: InventoryPort[] = [];
  for (const entry of list) {
    const number = numberAt(entry, portField);
    if (number === null) continue;
    const port = newInventoryPort({ port: number });
    port.name = stringAt(entry, 'name') || null;
    port.protocol = PROTOCOLS[stringAt(entry, 'protocol') ?? 'TCP'] ?? 6;
    port.nodePort = nodePortField === null ? null : numberAt(entry, nodePortField) || null;
    out.push(port);
  }
  return out;
}

/** Canonical and distinct; names such as `None` and host names are left out. */
function addresses(list: readonly (string | null)[]): string[] {
  const out = new Set<string>();
  for (const text of list) {
    const ip = text === null ? null : canonicalAddress(text);
    if (ip !== null) out.add(ip);
  }
  return [...out];
}

/** The owner that manages the object; the only one where none is marked, as in hand-written lists. */
function controllerOf(metadata: Json | null): Json | null {
  const owners = arrayAt(metadata, 'ownerReferences');
  const controller = owners.find((owner) => owner['controller'] === true);
  return controller ?? (owners.length === 1 ? owners[0]! : null);
}

function timeAt(object: Json | null, field: string, where: string): number | null {
  const value = object?.[field];
  if (value === undefined || value === null) return null;
  // The YAML reader turns a timestamp into a Date only under its 1.1 schema; text is what we expect.
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) {
    throw invalid(
      `${where}: ${field} is ${JSON.stringify(value)}, expected a time such as 2026-11-24T03:12:00Z`,
    );
  }
  return time;
}

function stringMap(object: Json | null): Readonly<Record<string, string>> | null {
  if (object === null) return null;
  const out: Record<string, string> = {};
  // Hand-written YAML gives numbers and booleans where the API has text; anything else is no label.
  for (const [key, value] of Object.entries(object)) {
    if (typeof value === 'string') out[key] = value;
    else if (typeof value === 'number' || typeof value === 'boolean') out[key] = String(value);
  }
  return Object.keys(out).length === 0 ? null : out;
}

function pick(
  all: Readonly<Record<string, string>> | null,
  keys: readonly string[],
): Readonly<Record<string, string>> | null {
  const found = keys.filter((key) => all?.[key] !== undefined);
  return found.length === 0 ? null : Object.fromEntries(found.map((key) => [key, all![key]!]));
}

const invalid = (reason: string): WeirError => new WeirError('config_invalid', reason);
