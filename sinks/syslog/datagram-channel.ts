import { PartialWriteError, WeirError, type Refusal } from '../../pipeline/errors.ts';
import { encoded, type Channel, type ChannelSettings } from './channel.ts';
import { datagrams } from './datagram.ts';
import type { Target } from './target.ts';

/** Over UDP a message is delivered when it is sent. */
export function datagramChannel(targets: readonly Target[], settings: ChannelSettings): Channel {
  const out = datagrams(targets, settings.context.clock);
  const maxBytes = Math.min(...targets.map((target) => target.maxMessageBytes));
  return {
    start: () => out.open(),
    stop: () => out.close(),
    write: async (items, signal) => {
      if (signal.aborted) throw new WeirError('sink_unavailable', 'stopped before it was sent');
      const refusals: Refusal[] = [];
      const messages: Buffer[] = [];
      for (const [index, item] of items.entries()) {
        const message = encoded(settings, { item, index, resent: false, maxBytes }, refusals);
        if (message) messages.push(Buffer.from(message.head + message.body));
      }
      await out.send(messages);
      if (refusals.length > 0) throw new PartialWriteError(refusals);
    },
  };
}
