/** Records to a SIEM as syslog messages over TLS, TCP, UDP or RELP. */
import type { Sink } from '../../pipeline/contracts.ts';
import { programVersion } from '../formats/version.ts';
import { syslogMetrics, type Channel, type SyslogContext } from './channel.ts';
import { datagramChannel } from './datagram-channel.ts';
import { encoder } from './encode.ts';
import { fanOut } from './fan-out.ts';
import type { Options } from './options.ts';
import { streamChannel } from './stream-channel.ts';
import { parseTargets, refuseMixed, type Target } from './target.ts';

/**
 * Throws `config_invalid` for a target or a field that cannot be read. `write` resolves as `confirmMs` tells for
 * TCP and TLS, when acknowledged over RELP, and when sent for datagrams; run up to `batch.maxInFlight` writes at
 * once, or throughput is one batch per `confirmMs`.
 */
export function create(options: Options, context: SyslogContext): Sink {
  const targets = parseTargets(options.to, options);
  const settings = {
    options,
    context,
    encode: encoder({ options, version: programVersion() }),
    metrics: syslogMetrics(context),
  };
  const channelTo = (some: readonly Target[]): Channel =>
    some[0]!.transport === 'udp' ? datagramChannel(some, settings) : streamChannel(some, settings);
  if (!options.fanOut) refuseMixed(targets);
  const channel =
    options.fanOut && targets.length > 1
      ? fanOut(targets.map((target) => channelTo([target])))
      : channelTo(targets);
  const onlyDatagrams = targets.every(({ transport }) => transport === 'udp');
  return {
    ...channel,
    batch: {
      maxRecords: options.batchRecords,
      maxWaitMs: 200,
      maxInFlight: onlyDatagrams ? 1 : options.maxInFlight,
    },
  };
}
