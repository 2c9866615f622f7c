import type { DecodeOutput, Line, LineDecoder, OriginContext, SourceType } from '../../pipeline/contracts.ts';
import { newEndpoint, newFlow, type Flow, type Verdict } from '../../schema/records.ts';
import { isPrivateIp } from '../decode/addresses.ts';
import { parseForwarded } from '../decode/forwarder.ts';
import { idsByObserver } from '../decode/ids.ts';
import { initiatorOf } from '../decode/initiator.ts';
import { malformed } from '../decode/reject.ts';
import { collapse, WINDOW_MS, type Group } from './collapse.ts';
import { parseAcl, parseHead } from './decode.ts';
import { rates, serials, type SerialState } from './losses.ts';
import type { Options } from './options.ts';
import { directionOfAcl, policyOfAcl } from './policy_name.ts';

const DELIVERY_MS = 1000;
const BRACE = 123;

const verdicts: Readonly<Record<string, Verdict>> = { allow: 'allow', drop: 'deny', reject: 'deny' };

interface State {
  readonly serials: SerialState;
}

function decoder(options: Options, context: OriginContext): LineDecoder {
  const ids = idsByObserver('ovn_acl', context.origin);
  const held = collapse();
  const state = context.state as State | undefined;
  const sequence = serials(context, state?.serials);
  const rate = rates(context, options.rateLimit);
  /** What had been seen before the first line that is held. */
  let before: State = { serials: sequence.state() };
  let waitingSinceMs: number | null = null;

  const flush = (out: DecodeOutput): void => {
    for (const group of held.take()) out.flow(flowOf(group));
    for (const loss of rate.take()) out.loss(loss);
    waitingSinceMs = null;
  };

  function flowOf(group: Group): Flow {
    const { first, position, cluster, node } = group;
    const source = newEndpoint();
    const destination = newEndpoint();
    const flow = newFlow({
      id: ids(cluster, node, position),
      origin: context.origin,
      position,
      cluster,
      collector: 'ovn_acl',
      startMs: group.startMs,
      endMs: group.endMs,
      receivedMs: context.receivedMs(),
      source,
      destination,
    });
    const { swapped, guessed } = initiatorOf({
      protocol: first.protocol,
      flags: group.tcpFlags,
      bareSyn: group.bareSyn,
      icmpType: first.icmpType,
      sourcePort: first.sourcePort,
      destinationPort: first.destinationPort,
    });
    const direction = directionOfAcl(first.aclName, first.direction);
    const sender = swapped ? destination : source;
    const receiver = swapped ? source : destination;
    sender.ip = first.sourceIp;
    sender.port = first.sourcePort;
    receiver.ip = first.destinationIp;
    receiver.port = first.destinationPort;
    if (swapped) flow.destinationPackets = group.lines;
    else flow.sourcePackets = group.lines;

    flow.node = node;
    // A packet is judged on its way into a pod where it is received, on its way out where it is sent.
    flow.reporter = (direction === 'ingress') === swapped ? 'source' : 'destination';
    flow.direction = direction;
    flow.unit = 'packet';
    flow.aggregated = group.lines;
    flow.verdict = Object.hasOwn(verdicts, first.verdict) ? verdicts[first.verdict]! : 'unknown';
    flow.verdictRaw = first.verdict;
    flow.counted = direction === 'ingress' || flow.verdict === 'deny' || !isPrivateIp(first.destinationIp);
    flow.protocol = first.protocol;
    flow.icmpType = first.icmpType;
    flow.icmpCode = first.icmpCode;
    flow.tcpFlags = group.tcpFlags;
    flow.initiatorGuessed = guessed;
    flow.connectionsStarted = group.bareSyn ? 1 : null;
    flow.malformed = group.malformed;
    const policy = policyOfAcl(first.aclName, first);
    if (policy) flow.policies = [policy];
    return flow;
  }

  function take(line: Line, out: DecodeOutput): void {
    const inner = line.text.charCodeAt(0) === BRACE ? parseForwarded(line.text) : null;
    if (inner !== null && inner.text.charCodeAt(0) !== BRACE) {
      return take(
        {
          position: line.position,
          text: inner.text,
          timeMs: inner.timeMs ?? line.timeMs,
          node: inner.node ?? line.node,
          cluster: inner.cluster ?? line.cluster,
        },
        out,
      );
    }
    const head = line.text.charCodeAt(0) === BRACE ? null : parseHead(line.text);
    if (!head) {
      return out.reject(
        malformed(context.place, line, 'an Open vSwitch log line, TIME|SERIAL|acl_log(THREAD)|LEVEL|name=…'),
      );
    }
    const cluster = line.cluster ?? context.cluster;
    const node = line.node ?? context.node;
    const timeMs = head.timeMs ?? line.timeMs;
    if (head.module !== 'acl_log') {
      gap(node, head.thread, head.serial, timeMs, out);
      out.skip?.('other_module');
      return;
    }
    const acl = parseAcl(line.text, head);
    if (typeof acl === 'string') return out.reject(malformed(context.place, line, acl));
    if (timeMs === null)
      return out.reject(malformed(context.place, line, 'a time in the line or in what wraps it'));
    if (held.crosses(node, timeMs) || held.size >= options.maxGroups) flush(out);
    if (held.size === 0) before = { serials: sequence.state() };
    gap(node, head.thread, head.serial, timeMs, out);
    rate.observe(node, timeMs);
    held.add({ position: line.position, cluster, node, timeMs, acl });
  }

  const gap = (
    node: string | null,
    thread: string,
    serial: number | null,
    timeMs: number | null,
    out: DecodeOutput,
  ): void => {
    if (serial === null || timeMs === null) return;
    const loss = sequence.observe(node, thread, serial, timeMs);
    if (loss) out.loss(loss);
  };

  return {
    decode: take,
    atEnd(nowMs, final, out) {
      if (held.size === 0) return;
      waitingSinceMs ??= nowMs;
      // A clock that is ahead of ours must not hold its lines back until we get there.
      const over =
        nowMs >= held.endsMs(nowMs) + DELIVERY_MS || nowMs - waitingSinceMs >= WINDOW_MS + DELIVERY_MS;
      if (final || over) flush(out);
    },
    checkpoint() {
      const position = held.from();
      return position === null ? { state: { serials: sequence.state() } } : { position, state: before };
    },
  };
}

/** OVN-Kubernetes and kube-ovn ACL audit logs. */
export const source: SourceType<Options> = {
  disorderMs: 1000,
  deliveryMs: DELIVERY_MS,
  windowMs: WINDOW_MS,
  decoder,
};
