import type { Endpoint, Flow, PolicyRef, Request, ServiceRef } from '../../schema/records.ts';

/**
 * `anyJson` for flows, written out field by field: no reflection, no replacer. A test holds the two equal.
 * Plain concatenation, because V8 builds it as a rope and flattens it once.
 */
export function flowJson(flow: Flow): string {
  let text =
    '{"id":"' +
    bare(flow.id) +
    '","origin":"' +
    bare(flow.origin) +
    '","position":' +
    flow.position +
    ',"cluster":"' +
    bare(flow.cluster) +
    '"';
  if (flow.node !== null) text += ',"node":"' + bare(flow.node) + '"';
  text +=
    ',"collector":"' +
    bare(flow.collector) +
    '","reporter":"' +
    flow.reporter +
    '","unit":"' +
    flow.unit +
    '","aggregated":' +
    flow.aggregated +
    ',"samplingRate":' +
    flow.samplingRate +
    (flow.counted ? ',"counted":true,"startMs":' : ',"counted":false,"startMs":') +
    flow.startMs +
    ',"endMs":' +
    flow.endMs +
    ',"receivedMs":' +
    flow.receivedMs +
    ',"verdict":"' +
    flow.verdict +
    '"';
  if (flow.verdictRaw !== null) text += ',"verdictRaw":"' + bare(flow.verdictRaw) + '"';
  if (flow.dropReason !== null) text += ',"dropReason":"' + bare(flow.dropReason) + '"';
  if (flow.protocol !== null) text += ',"protocol":' + flow.protocol;
  if (flow.icmpType !== null) text += ',"icmpType":' + flow.icmpType;
  if (flow.icmpCode !== null) text += ',"icmpCode":' + flow.icmpCode;
  if (flow.tcpFlags !== null) text += ',"tcpFlags":' + flow.tcpFlags;
  text +=
    ',"direction":"' +
    flow.direction +
    (flow.initiatorGuessed ? '","initiatorGuessed":true,"source":' : '","initiatorGuessed":false,"source":') +
    endpoint(flow.source) +
    ',"destination":' +
    endpoint(flow.destination);
  if (flow.service !== null) text += ',"service":' + service(flow.service);
  if (flow.sourceBytes !== null) text += ',"sourceBytes":' + flow.sourceBytes;
  if (flow.destinationBytes !== null) text += ',"destinationBytes":' + flow.destinationBytes;
  if (flow.sourcePackets !== null) text += ',"sourcePackets":' + flow.sourcePackets;
  if (flow.destinationPackets !== null) text += ',"destinationPackets":' + flow.destinationPackets;
  if (flow.connectionsStarted !== null) text += ',"connectionsStarted":' + flow.connectionsStarted;
  if (flow.connectionsCompleted !== null) text += ',"connectionsCompleted":' + flow.connectionsCompleted;
  if (flow.connectionsLive !== null) text += ',"connectionsLive":' + flow.connectionsLive;
  const { policies } = flow;
  if (policies.length > 0) {
    text += ',"policies":[' + policy(policies[0]!);
    for (let i = 1; i < policies.length; i++) text += ',' + policy(policies[i]!);
    text += ']';
  }
  if (flow.request !== null) text += ',"request":' + request(flow.request);
  return (
    text +
    (flow.malformed ? ',"malformed":true' : ',"malformed":false') +
    (flow.inventoryStale ? ',"inventoryStale":true}' : ',"inventoryStale":false}')
  );
}

function endpoint(end: Endpoint): string {
  // `kind` is always there, so whatever stands before it ends in a comma.
  let text = '{';
  if (end.ip !== null) text += '"ip":"' + bare(end.ip) + '",';
  if (end.port !== null) text += '"port":' + end.port + ',';
  if (end.network !== null) text += '"network":"' + bare(end.network) + '",';
  text += '"kind":"' + end.kind + '"';
  if (end.namespace !== null) text += ',"namespace":"' + bare(end.namespace) + '"';
  if (end.pod !== null) text += ',"pod":"' + bare(end.pod) + '"';
  if (end.workloadKind !== null) text += ',"workloadKind":"' + bare(end.workloadKind) + '"';
  if (end.workload !== null) text += ',"workload":"' + bare(end.workload) + '"';
  if (end.entity !== null) text += ',"entity":"' + bare(end.entity) + '"';
  if (end.serviceAccount !== null) text += ',"serviceAccount":"' + bare(end.serviceAccount) + '"';
  if (end.node !== null) text += ',"node":"' + bare(end.node) + '"';
  if (end.zone !== null) text += ',"zone":"' + bare(end.zone) + '"';
  if (end.labels !== null) text += ',"labels":' + JSON.stringify(end.labels);
  if (end.networkSet !== null) text += ',"networkSet":"' + bare(end.networkSet) + '"';
  if (end.account !== null) text += ',"account":"' + bare(end.account) + '"';
  if (end.instance !== null) text += ',"instance":"' + bare(end.instance) + '"';
  if (end.hostname !== null) text += ',"hostname":"' + bare(end.hostname) + '"';
  if (end.country !== null) text += ',"country":"' + bare(end.country) + '"';
  if (end.asn !== null) text += ',"asn":' + end.asn;
  if (end.asName !== null) text += ',"asName":"' + bare(end.asName) + '"';
  if (end.tenant !== null) text += ',"tenant":"' + bare(end.tenant) + '"';
  if (end.scopes.length > 0) text += ',"scopes":' + JSON.stringify(end.scopes);
  if (end.owner !== null) text += ',"owner":"' + bare(end.owner) + '"';
  return text + '}';
}

function policy(ref: PolicyRef): string {
  let text = '{';
  if (ref.kind !== null) text += '"kind":"' + bare(ref.kind) + '",';
  if (ref.tier !== null) text += '"tier":"' + bare(ref.tier) + '",';
  if (ref.namespace !== null) text += '"namespace":"' + bare(ref.namespace) + '",';
  if (ref.name !== null) text += '"name":"' + bare(ref.name) + '",';
  if (ref.rule !== null) text += '"rule":"' + bare(ref.rule) + '",';
  if (ref.direction !== null) text += '"direction":"' + bare(ref.direction) + '",';
  if (ref.action !== null) text += '"action":"' + bare(ref.action) + '",';
  return (
    text + '"staged":' + ref.staged + ',"truncated":' + ref.truncated + ',"inferred":' + ref.inferred + '}'
  );
}

function service(ref: ServiceRef): string {
  let text = '{';
  if (ref.namespace !== null) text += '"namespace":"' + bare(ref.namespace) + '",';
  text += '"name":"' + bare(ref.name) + '"';
  if (ref.portName !== null) text += ',"portName":"' + bare(ref.portName) + '"';
  return text + '}';
}

function request(part: Request): string {
  let text = '';
  if (part.method !== null) text += ',"method":"' + bare(part.method) + '"';
  if (part.path !== null) text += ',"path":"' + bare(part.path) + '"';
  if (part.status !== null) text += ',"status":' + part.status;
  if (part.query !== null) text += ',"query":"' + bare(part.query) + '"';
  return '{' + text.slice(1) + '}';
}

/** What JSON.stringify escapes: quote, backslash, control characters and lone surrogates (here: any surrogate). */
// oxlint-disable-next-line no-control-regex
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A JSON string. Most text of a flow holds nothing to escape, and a test costs less than the call. */
export const quote = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text) : '"' + text + '"');

/** The same without the quotes, for where these are part of the text around it. */
export const bare = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text).slice(1, -1) : text);
