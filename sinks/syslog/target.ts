import { isIP } from 'node:net';
import { WeirError } from '../../pipeline/errors.ts';

/** A receiver as `to` names it. */
export interface Target {
  readonly transport: Transport;
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
  /** As configured; for messages. */
  readonly text: string;
  readonly framing: Framing;
  /** Longest message, bytes. */
  readonly maxMessageBytes: number;
}

export type Transport = 'tls' | 'tcp' | 'udp' | 'relp' | 'relp+tls';

/** How one message is told from the next. */
export type Framing = 'octet' | 'lf' | 'relp' | 'datagram';

/** A receiver as it is configured. */
export interface Receiver {
  readonly address: string;
  readonly maxMessageBytes?: number | undefined;
  readonly framing?: 'octet' | 'lf' | undefined;
}

/** What holds for receivers that say nothing else. */
export interface ReceiverDefaults {
  readonly maxMessageBytes?: number | undefined;
  readonly framing: 'octet' | 'lf';
}

const form = /^(tls|tcp|udp|relp|relp\+tls):\/\/(\[[0-9A-Fa-f:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/;
const defaultPorts = { tls: 6514, tcp: 514, udp: 514, relp: 20514, 'relp+tls': 20514 } as const;

/** Message limits where none is configured: an unconfigured rsyslog, and an Ethernet frame with IPv6 and UDP headers. */
const defaultMaxBytes = { stream: 8096, datagram: 1452 } as const;

/** Every receiver takes 480 octets (RFC 5424 section 6.1); with less there is no room for the header. */
const leastMaxBytes = 480;

/** Reads `tls://host:6514`. Throws `config_invalid` naming what was found. */
export function parseTarget(receiver: Receiver, defaults: ReceiverDefaults): Target {
  const text = receiver.address;
  const [, transport, host, port] = form.exec(text) ?? [];
  const bare = host?.replace(/^\[|\]$/g, '') ?? '';
  const portNumber = port === undefined ? undefined : Number(port);
  const bracketed = host?.startsWith('[') ?? false;
  if (
    !transport ||
    bare === '' ||
    (bracketed && isIP(bare) !== 6) ||
    (portNumber ?? 1) < 1 ||
    (portNumber ?? 1) > 65535
  ) {
    throw new WeirError(
      'config_invalid',
      `syslog target '${text}': expected tls://HOST:PORT, tcp://HOST:PORT, udp://HOST:PORT, relp://HOST:PORT or relp+tls://HOST:PORT, IPv6 addresses in brackets`,
    );
  }
  const known = transport as Transport;
  const maxMessageBytes =
    receiver.maxMessageBytes ??
    defaults.maxMessageBytes ??
    (known === 'udp' ? defaultMaxBytes.datagram : defaultMaxBytes.stream);
  if (maxMessageBytes < leastMaxBytes)
    throw new WeirError(
      'config_invalid',
      `syslog target '${text}': maxMessageBytes is ${maxMessageBytes}: expected at least ${leastMaxBytes} bytes`,
    );
  return {
    transport: known,
    isSecure: known === 'tls' || known === 'relp+tls',
    host: bare,
    port: portNumber ?? defaultPorts[known],
    text,
    framing: framingOf(known, receiver.framing ?? defaults.framing),
    maxMessageBytes,
  };
}

function framingOf(transport: Transport, onTcp: 'octet' | 'lf'): Framing {
  if (transport === 'udp') return 'datagram';
  if (transport === 'relp' || transport === 'relp+tls') return 'relp';
  return transport === 'tls' ? 'octet' : onTcp;
}

/** Every target of one sink, in the order in which they are tried. */
export const parseTargets = (receivers: readonly Receiver[], defaults: ReceiverDefaults): readonly Target[] =>
  receivers.map((receiver) => parseTarget(receiver, defaults));

/** Datagrams and streams settle differently, so they do not stand in for each other. */
export function refuseMixed(targets: readonly Target[]): void {
  const datagrams = targets.filter((target) => target.transport === 'udp').length;
  if (datagrams !== 0 && datagrams !== targets.length) {
    throw new WeirError(
      'config_invalid',
      `syslog targets ${targets.map(({ text }) => text).join(', ')}: udp:// cannot stand beside others unless fanOut is on`,
    );
  }
}
