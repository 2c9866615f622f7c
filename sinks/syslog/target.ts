import { isIP } from 'node:net';
import { WeirError } from '../../pipeline/errors.ts';

/** A receiver as `to` names it. */
export interface Target {
  readonly transport: 'tls' | 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  /** As configured; for messages. */
  readonly text: string;
}

const form = /^(tls|tcp|udp):\/\/(\[[0-9A-Fa-f:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/;
const defaultPorts = { tls: 6514, tcp: 514, udp: 514 } as const;

/** Reads `tls://host:6514`. Throws `config_invalid` naming what was found. */
export function parseTarget(text: string): Target {
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
      `syslog target '${text}': expected tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT, IPv6 addresses in brackets`,
    );
  }
  const known = transport as Target['transport'];
  return { transport: known, host: bare, port: portNumber ?? defaultPorts[known], text };
}

/** Every target of one sink; datagrams and streams settle differently, so they do not mix. */
export function parseTargets(texts: readonly string[]): readonly Target[] {
  const targets = texts.map(parseTarget);
  const datagrams = targets.filter((target) => target.transport === 'udp').length;
  if (datagrams !== 0 && datagrams !== targets.length) {
    throw new WeirError(
      'config_invalid',
      `syslog targets ${texts.join(', ')}: udp:// cannot stand beside tcp:// or tls://`,
    );
  }
  return targets;
}
