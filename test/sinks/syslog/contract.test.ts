import dgram from 'node:dgram';
import { systemClock } from '../../../pipeline/clock.ts';
import { create } from '../../../sinks/syslog/index.ts';
import { options } from '../../../sinks/syslog/options.ts';
import { sinkContract } from '../../contracts/sinkContract.ts';
import { parseRfc5424 } from './parse-rfc5424.ts';
import { idOf, receiver } from './receiver.ts';

sinkContract({
  name: 'syslog-tcp',
  deduplicates: false,
  create: async (t, context) => {
    const far = await receiver(t);
    return {
      sink: create(options.parse({ to: `tcp://127.0.0.1:${far.port}`, confirmMs: 50 }), {
        ...context,
        clock: systemClock,
      }),
      delivered: () => Promise.resolve(far.messages.map(idOf)),
    };
  },
});

sinkContract({
  name: 'syslog-udp',
  deduplicates: false,
  create: async (t, context) => {
    const ids: string[] = [];
    const socket = dgram.createSocket('udp4');
    socket.on('message', (message) => ids.push(idOf(parseRfc5424(message.toString()))));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    t.after(() => new Promise<void>((resolve) => void socket.close(() => resolve())));
    return {
      sink: create(options.parse({ to: `udp://127.0.0.1:${socket.address().port}` }), context),
      // Nothing tells when the last datagram was read: it is waited for until none came for a while.
      delivered: async () => {
        for (let before = -1; before !== ids.length;) {
          before = ids.length;
          await systemClock.sleep(100);
        }
        return ids;
      },
    };
  },
});
