import type { Endpoint, Flow } from '../../schema/records.ts';
import { entityKey, isInventoried, nameOf } from '../party.ts';
import { portClass, type PortClass } from '../ports.ts';

/** Ports that clients are given; a protocol that moves over them (FTP, RPC, media) is one edge, not thousands. */
const EPHEMERAL_FROM = 32_768;

export const edgePort = (flow: Flow): number => Math.min(flow.destination.port ?? 0, EPHEMERAL_FROM);

/**
 * Who an edge leads to. Nodes are alike, and addresses outside rotate: a named network, else the autonomous system, else
 * the internet as a whole stands for them.
 */
export function edgeTo(destination: Endpoint): string {
  if (destination.kind === 'host') return 'nodes';
  if (isInventoried(destination)) return entityKey(destination);
  if (destination.networkSet !== null) return `network/${destination.networkSet}`;
  if (destination.kind !== 'public') return entityKey(destination);
  return destination.asn === null ? 'internet' : `as/${destination.asn}`;
}

/** The edge as a person reads it. */
export function edgeName(flow: Flow): string {
  const { destination } = flow;
  const port = destination.port ?? 0;
  const at = port >= EPHEMERAL_FROM ? 'on high ports' : `port ${port}`;
  return `${toName(destination)} ${at}`;
}

function toName(destination: Endpoint): string {
  if (destination.kind === 'host' || isInventoried(destination)) return nameOf(destination);
  if (destination.networkSet !== null) return destination.networkSet;
  if (destination.kind !== 'public') return nameOf(destination);
  const by = destination.asName ?? (destination.asn === null ? null : `AS${destination.asn}`);
  return `the internet (${[by, destination.hostname ?? destination.ip].filter((part) => part !== null).join(', ')})`;
}

const BY_PORT: Readonly<Record<PortClass, number>> = {
  admin: 1,
  data: 0.7,
  other: 0.5,
  web: 0.3,
  basic: 0.1,
};
/** What entering a compliance scope from outside of it adds. */
const SCOPE = 0.5;

/** How much a new edge matters, 0 to 1.5: what the port gives, times how far it reaches, more into a compliance scope. */
export function weigh(flow: Flow): number {
  const { source, destination } = flow;
  const entered = destination.scopes.some((scope) => !source.scopes.includes(scope));
  return BY_PORT[portClass(edgePort(flow))] * reach(source, destination) + (entered ? SCOPE : 0);
}

function reach(source: Endpoint, destination: Endpoint): number {
  if (destination.kind === 'public') return 1;
  if (destination.kind === 'host') return 0.8;
  if (!isInventoried(destination)) return 0.6;
  return source.namespace !== null && source.namespace === destination.namespace ? 0.4 : 0.8;
}
