import type { Inventory } from '../../schema/records.ts';
import type { ClusterView } from './index.ts';
import type { Window } from './timeline.ts';

/** The owner that stays the same when pods come and go. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
}

/**
 * Kubernetes writes the hash of a pod template with ten letters only, and the end of a pod's name with 27
 * (apimachinery, util/rand SafeEncodeString), which tells a ReplicaSet's name from one that merely has dashes.
 */
const TEMPLATE_HASH = /^(.+)-[456789bcdf]{6,10}$/;
const DEPLOYMENT_POD = /^(.+)-[456789bcdf]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/;
/** A CronJob names its jobs by the scheduled time in minutes. */
const CRON_TIME = /^(.+)-\d{8}$/;

/** The workload of a pod, through owners that the inventory may not hold. */
export function workloadOf(pod: Inventory, view: ClusterView, timeMs: number, window: Window): Workload {
  if (pod.static) return { kind: 'Pod', name: withoutNode(pod.name, pod.node ?? pod.ownerName) };
  if (pod.ownerKind === null || pod.ownerName === null) return { kind: 'Pod', name: pod.name };
  const owner = { kind: pod.ownerKind, name: pod.ownerName };
  return climb(owner, pod.namespace, pod, view, timeMs, window);
}

/**
 * From an owner that is replaced at each roll-out or run to the one above it: ReplicaSet to Deployment or Rollout,
 * ReplicationController to DeploymentConfig, Job to CronJob. Any other owner is the answer already. Where the
 * object in between is not known, its name and the labels of the pod say whose it is.
 */
export function climb(
  owner: Workload,
  namespace: string | null,
  pod: Inventory | null,
  view: ClusterView | null,
  timeMs: number,
  window: Window,
): Workload {
  if (owner.kind !== 'ReplicaSet' && owner.kind !== 'ReplicationController' && owner.kind !== 'Job')
    return owner;
  const object = view?.named(owner.kind, namespace, owner.name, timeMs, window) ?? null;
  if (object !== null) {
    return object.ownerKind !== null && object.ownerName !== null
      ? { kind: object.ownerKind, name: object.ownerName }
      : owner;
  }
  return guessOwner(owner, pod);
}

function guessOwner(owner: Workload, pod: Inventory | null): Workload {
  if (owner.kind === 'ReplicaSet') {
    const rollout = pod?.labels?.['rollouts-pod-template-hash'];
    const hash = rollout ?? pod?.labels?.['pod-template-hash'];
    const kind = rollout === undefined ? 'Deployment' : 'Rollout';
    if (hash !== undefined && owner.name.endsWith(`-${hash}`))
      return { kind, name: owner.name.slice(0, -hash.length - 1) };
    const name = TEMPLATE_HASH.exec(owner.name)?.[1];
    return name === undefined ? owner : { kind, name };
  }
  if (owner.kind === 'ReplicationController') {
    const name =
      pod?.annotations?.['openshift.io/deployment-config.name'] ?? pod?.labels?.['deploymentconfig'];
    return name === undefined ? owner : { kind: 'DeploymentConfig', name };
  }
  const name = CRON_TIME.exec(owner.name)?.[1];
  return name === undefined ? owner : { kind: 'CronJob', name };
}

/** The workload of a pod of which only the name is known; null where the name does not say it. */
export function workloadOfName(pod: string): Workload | null {
  const name = DEPLOYMENT_POD.exec(pod)?.[1];
  return name === undefined ? null : { kind: 'Deployment', name };
}

/** The name of a static pod is that of its manifest and of its node. */
export function withoutNode(name: string, node: string | null): string {
  return node !== null && name.endsWith(`-${node}`) ? name.slice(0, -node.length - 1) : name;
}
