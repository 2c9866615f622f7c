import type { Flow } from '../schema/records.ts';

type Read = (flow: Flow) => unknown;

/**
 * Fields of a flow that filters ask for most, each read by a function of its own: the engine then knows the shape
 * where it reads, which a path that is followed by name never lets it. A rule that does not fit costs a fifth.
 */
const whole: Readonly<Record<string, Read>> = {
  verdict: (flow) => flow.verdict,
  protocol: (flow) => flow.protocol,
  direction: (flow) => flow.direction,
  reporter: (flow) => flow.reporter,
  counted: (flow) => flow.counted,
  sourceBytes: (flow) => flow.sourceBytes,
  destinationBytes: (flow) => flow.destinationBytes,
  sourcePackets: (flow) => flow.sourcePackets,
  destinationPackets: (flow) => flow.destinationPackets,
  'source.kind': ({ source }) => source.kind,
  'source.port': ({ source }) => source.port,
  'source.ip': ({ source }) => source.ip,
  'source.namespace': ({ source }) => source.namespace,
  'source.workload': ({ source }) => source.workload,
  'source.networkSet': ({ source }) => source.networkSet,
  'destination.kind': ({ destination }) => destination.kind,
  'destination.port': ({ destination }) => destination.port,
  'destination.ip': ({ destination }) => destination.ip,
  'destination.namespace': ({ destination }) => destination.namespace,
  'destination.workload': ({ destination }) => destination.workload,
  'destination.networkSet': ({ destination }) => destination.networkSet,
};

/** Those that are lists of plain values. */
const lists: Readonly<Record<string, (flow: Flow) => readonly unknown[]>> = {
  'source.scopes': ({ source }) => source.scopes,
  'destination.scopes': ({ destination }) => destination.scopes,
};

export const flowRead = (name: string): Read | null => (Object.hasOwn(whole, name) ? whole[name]! : null);

export const flowList = (name: string): ((flow: Flow) => readonly unknown[]) | null =>
  Object.hasOwn(lists, name) ? lists[name]! : null;
