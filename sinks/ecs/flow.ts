import type { Endpoint, Flow, PolicyRef } from '../../schema/records.ts';
import { bare, quote } from '../records/flow-json.ts';
import { protocolName } from '../records/protocols.ts';
import { isoTime } from '../records/time.ts';
import { ECS_VERSION, policyName, workloadFields, type Target } from './parts.ts';
import { datasetOf } from './streams.ts';

/** Type and action of `event` by verdict (ECS "event.type" allowed values; an enforced deny is a success). */
const verdicts: Readonly<Record<Flow['verdict'], string>> = {
  allow: '["connection","allowed"],"action":"flow-allowed","outcome":"success"',
  deny: '["connection","denied"],"action":"flow-denied","outcome":"success"',
  audit: '["connection","allowed"],"action":"flow-audited","outcome":"success"',
  error: '["connection"],"action":"flow-error","outcome":"failure"',
  unknown: '["connection"],"action":"flow-observed"',
};

/**
 * The ECS document of a flow, as JSON text. Fields ECS knows are used as ECS means them (`source` is the
 * initiator, bytes are those it sent); who is who in Kubernetes, which ECS can say of one side only, is under
 * `weir.source` and `weir.destination`. Arrays hold scalars only, so that synthetic `_source` restores them.
 */
export function flowDocument(flow: Flow, target: Target, communityId: string | null): string {
  const { source, destination } = flow;
  const dataset = datasetOf(target.stream ?? 'flow');
  let text = '{"@timestamp":"' + isoTime(flow.endMs) + '","ecs":{"version":"' + ECS_VERSION + '"},';
  if (target.stream !== null && target.namespace !== null)
    text +=
      '"data_stream":{"type":"logs","dataset":"' + dataset + '","namespace":"' + target.namespace + '"},';
  text +=
    '"event":{"id":"' +
    bare(flow.id) +
    '","kind":"event","module":"weir","dataset":"' +
    dataset +
    '","provider":"' +
    bare(flow.collector) +
    '","category":["network"],"type":' +
    verdicts[flow.verdict] +
    ',"start":"' +
    isoTime(flow.startMs) +
    '","end":"' +
    isoTime(flow.endMs) +
    '","created":"' +
    isoTime(flow.receivedMs) +
    '","duration":' +
    (flow.endMs - flow.startMs) * 1_000_000;
  if (flow.dropReason !== null) text += ',"reason":"' + bare(flow.dropReason) + '"';
  text += '},"source":{' + side(source, flow.sourceBytes, flow.sourcePackets);
  text += '},"destination":{' + side(destination, flow.destinationBytes, flow.destinationPackets);
  text += '},"network":{' + network(flow, communityId);
  text += '},"observer":{"vendor":"Weir","product":"weir","type":"sensor"';
  if (flow.node !== null)
    text += ',"hostname":"' + bare(flow.node) + '"},"host":{"name":"' + bare(flow.node) + '"';
  text += '},"orchestrator":{"type":"kubernetes","cluster":{"name":"' + bare(flow.cluster) + '"}}';
  text += local(flow);
  const decisive = flow.policies.at(-1);
  if (decisive !== undefined) text += ',"rule":{' + rule(decisive) + '}';
  text += related(flow);
  if (flow.request !== null) text += requestPart(flow.request);
  return text + ',"weir":{' + own(flow, decisive) + '}}';
}

/** `"a":1,` pairs without the last comma. */
const pairs = (text: string): string => (text === '' ? text : text.slice(0, -1));

const list = (a: string | null, b: string | null): string =>
  a === null ? quote(b!) : b === null || a === b ? quote(a) : quote(a) + ',' + quote(b);

/** Elements of both, without the second of two that are equal. */
function union(a: readonly string[], b: readonly string[]): readonly string[] {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  return [...new Set([...a, ...b])];
}

function related({ source, destination, node }: Flow): string {
  let text = '';
  if (source.ip !== null || destination.ip !== null)
    text += '"ip":[' + list(source.ip, destination.ip) + '],';
  const hosts: string[] = [];
  const add = (name: string | null): void => {
    if (name !== null && !hosts.includes(name)) hosts.push(name);
  };
  add(source.pod);
  add(source.node);
  add(source.hostname);
  add(destination.pod);
  add(destination.node);
  add(destination.hostname);
  add(node);
  if (hosts.length > 0) text += '"hosts":' + JSON.stringify(hosts) + ',';
  return text === '' ? '' : ',"related":{' + pairs(text) + '}';
}

function side(end: Endpoint, bytes: number | null, packets: number | null): string {
  let text = '';
  const address = end.ip ?? end.hostname;
  if (address !== null) text += '"address":"' + bare(address) + '",';
  if (end.ip !== null) text += '"ip":"' + bare(end.ip) + '",';
  if (end.port !== null) text += '"port":' + end.port + ',';
  if (bytes !== null) text += '"bytes":' + bytes + ',';
  if (packets !== null) text += '"packets":' + packets + ',';
  if (end.hostname !== null) text += '"domain":"' + bare(end.hostname) + '",';
  if (end.country !== null) text += '"geo":{"country_iso_code":"' + bare(end.country) + '"},';
  if (end.asn !== null)
    text +=
      '"as":{"number":' +
      end.asn +
      (end.asName === null ? '' : ',"organization":{"name":"' + bare(end.asName) + '"}') +
      '},';
  return pairs(text);
}

function network(flow: Flow, communityId: string | null): string {
  let text = '';
  const { protocol } = flow;
  if (protocol !== null)
    text += '"transport":"' + protocolName(protocol)! + '","iana_number":"' + protocol + '",';
  const ip = flow.source.ip ?? flow.destination.ip;
  if (ip !== null) text += ip.includes(':') ? '"type":"ipv6",' : '"type":"ipv4",';
  if (flow.direction !== 'unknown') text += '"direction":"' + flow.direction + '",';
  const bytes = sum(flow.sourceBytes, flow.destinationBytes);
  if (bytes !== null) text += '"bytes":' + bytes + ',';
  const packets = sum(flow.sourcePackets, flow.destinationPackets);
  if (packets !== null) text += '"packets":' + packets + ',';
  if (communityId !== null) text += '"community_id":"' + bare(communityId) + '",';
  return pairs(text);
}

const sum = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : a + b);

/** `kubernetes.*` and `orchestrator`'s resource speak of one workload: the one that was observed. */
function local(flow: Flow): string {
  if (flow.direction === 'unknown') return '';
  const end = flow.direction === 'egress' ? flow.source : flow.destination;
  if (end.namespace === null) return '';
  let text = ',"kubernetes":{"namespace":"' + bare(end.namespace) + '"';
  if (end.pod !== null) text += ',"pod":{"name":"' + bare(end.pod) + '"}';
  if (end.node !== null) text += ',"node":{"name":"' + bare(end.node) + '"}';
  const field = end.workloadKind === null ? undefined : workloadFields[end.workloadKind];
  if (field !== undefined && end.workload !== null)
    text += ',"' + field + '":{"name":"' + bare(end.workload) + '"}';
  return text + '}';
}

function rule(policy: PolicyRef): string {
  let text = '"name":"' + bare(policyName(policy)) + '",';
  if (policy.rule !== null) text += '"id":"' + bare(policy.rule) + '",';
  if (policy.kind !== null) text += '"category":"' + bare(policy.kind) + '",';
  if (policy.tier !== null) text += '"ruleset":"' + bare(policy.tier) + '",';
  return pairs(text);
}

function requestPart(request: NonNullable<Flow['request']>): string {
  let text = '';
  if (request.method !== null) text += '"request":{"method":"' + bare(request.method) + '"},';
  if (request.status !== null) text += '"response":{"status_code":' + request.status + '},';
  if (text !== '') text = ',"http":{' + pairs(text) + '}';
  if (request.path !== null) text += ',"url":{"path":"' + bare(request.path) + '"}';
  if (request.query !== null) text += ',"dns":{"question":{"name":"' + bare(request.query) + '"}}';
  return text;
}

function own(flow: Flow, decisive: PolicyRef | undefined): string {
  let text =
    '"kind":"flow","collector":"' +
    bare(flow.collector) +
    '","origin":"' +
    bare(flow.origin) +
    '","position":' +
    flow.position +
    ',"reporter":"' +
    flow.reporter +
    '","unit":"' +
    flow.unit +
    '","aggregated":' +
    flow.aggregated +
    ',"sampling_rate":' +
    flow.samplingRate +
    ',"counted":' +
    flow.counted +
    ',"verdict":"' +
    flow.verdict +
    '"';
  if (flow.verdictRaw !== null) text += ',"verdict_raw":"' + bare(flow.verdictRaw) + '"';
  if (flow.icmpType !== null)
    text +=
      ',"icmp":{"type":' + flow.icmpType + (flow.icmpCode === null ? '}' : ',"code":' + flow.icmpCode + '}');
  if (flow.tcpFlags !== null) text += ',"tcp_flags":' + flow.tcpFlags;
  if (flow.initiatorGuessed) text += ',"initiator_guessed":true';
  if (flow.malformed) text += ',"malformed":true';
  if (flow.inventoryStale) text += ',"inventory_stale":true';
  if (
    flow.connectionsStarted !== null ||
    flow.connectionsCompleted !== null ||
    flow.connectionsLive !== null
  ) {
    let counts = '';
    if (flow.connectionsStarted !== null) counts += '"started":' + flow.connectionsStarted + ',';
    if (flow.connectionsCompleted !== null) counts += '"completed":' + flow.connectionsCompleted + ',';
    if (flow.connectionsLive !== null) counts += '"live":' + flow.connectionsLive + ',';
    text += ',"connections":{' + pairs(counts) + '}';
  }
  text += ',"source":{' + identity(flow.source) + '},"destination":{' + identity(flow.destination) + '}';
  if (flow.service !== null) {
    const { service } = flow;
    text += ',"service":{"name":"' + bare(service.name) + '"';
    if (service.namespace !== null) text += ',"namespace":"' + bare(service.namespace) + '"';
    if (service.portName !== null) text += ',"port_name":"' + bare(service.portName) + '"';
    text += '}';
  }
  if (decisive !== undefined) text += ',"policy":{' + policyPart(decisive, flow.policies) + '}';
  // Of either side, for a filter that asks for both.
  const scopes = union(flow.source.scopes, flow.destination.scopes);
  if (scopes.length > 0) text += ',"scopes":' + JSON.stringify(scopes);
  if (flow.source.tenant !== null || flow.destination.tenant !== null)
    text += ',"tenants":[' + list(flow.source.tenant, flow.destination.tenant) + ']';
  return text;
}

/** So much text holds no key or value that OpenSearch refuses: one of more than 32,766 bytes (Kubernetes allows 63 characters). */
const SAFE_LABELS = 10_000;
/** What is longer is searched for in no server (`ignore_above`). */
const MAX_LABEL = 1024;

function labelsPart(labels: Readonly<Record<string, string>>): string {
  const text = JSON.stringify(labels);
  if (text.length <= SAFE_LABELS) return text;
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [key.slice(0, MAX_LABEL), value.slice(0, MAX_LABEL)]),
    ),
  );
}

function identity(end: Endpoint): string {
  let text = '"kind":"' + end.kind + '"';
  if (end.network !== null) text += ',"network":"' + bare(end.network) + '"';
  if (end.namespace !== null) text += ',"namespace":"' + bare(end.namespace) + '"';
  if (end.pod !== null) text += ',"pod":"' + bare(end.pod) + '"';
  if (end.workloadKind !== null) text += ',"workload_kind":"' + bare(end.workloadKind) + '"';
  if (end.workload !== null) text += ',"workload":"' + bare(end.workload) + '"';
  if (end.entity !== null) text += ',"entity":"' + bare(end.entity) + '"';
  if (end.serviceAccount !== null) text += ',"service_account":"' + bare(end.serviceAccount) + '"';
  if (end.node !== null) text += ',"node":"' + bare(end.node) + '"';
  if (end.zone !== null) text += ',"zone":"' + bare(end.zone) + '"';
  if (end.labels !== null) text += ',"labels":' + labelsPart(end.labels);
  if (end.networkSet !== null) text += ',"network_set":"' + bare(end.networkSet) + '"';
  if (end.account !== null) text += ',"account":"' + bare(end.account) + '"';
  if (end.instance !== null) text += ',"instance":"' + bare(end.instance) + '"';
  if (end.tenant !== null) text += ',"tenant":"' + bare(end.tenant) + '"';
  if (end.scopes.length > 0) text += ',"scopes":' + JSON.stringify(end.scopes);
  if (end.owner !== null) text += ',"owner":"' + bare(end.owner) + '"';
  return text;
}

function policyPart(decisive: PolicyRef, trace: readonly PolicyRef[]): string {
  let text = '';
  if (decisive.namespace !== null) text += '"namespace":"' + bare(decisive.namespace) + '",';
  text += '"name":"' + bare(policyName(decisive)) + '",';
  if (decisive.kind !== null) text += '"kind":"' + bare(decisive.kind) + '",';
  if (decisive.tier !== null) text += '"tier":"' + bare(decisive.tier) + '",';
  if (decisive.rule !== null) text += '"rule":"' + bare(decisive.rule) + '",';
  if (decisive.direction !== null) text += '"direction":"' + bare(decisive.direction) + '",';
  if (decisive.action !== null) text += '"action":"' + bare(decisive.action) + '",';
  text +=
    '"staged":' + decisive.staged + ',"truncated":' + decisive.truncated + ',"inferred":' + decisive.inferred;
  text += ',"trace":[';
  for (let i = 0; i < trace.length; i++) text += (i === 0 ? '' : ',') + quote(traceLine(trace[i]!));
  return text + ']';
}

/** One step as a person writes it: `deny NetworkPolicy shop/default-deny`. */
function traceLine(policy: PolicyRef): string {
  let text = policy.action === null ? '' : policy.action + ' ';
  if (policy.kind !== null) text += policy.kind + ' ';
  if (policy.tier !== null) text += policy.tier + ':';
  text += policyName(policy);
  return policy.rule === null ? text : text + ' rule ' + policy.rule;
}
