import { deliveries, plainFlows } from './helpers.ts';
import { openStore } from '../../store/index.ts';

/**
 * A process to be killed: appends flows from where its argument says, and prints the offset after each write
 * that was acknowledged.
 */
const [dir = '', from = '0'] = process.argv.slice(2);
const store = await openStore({ dir, commitMs: 30, reserveBytes: 0, threads: 1 });
process.stdout.write('open\n');
const T0 = Date.UTC(2026, 0, 1);
const underWay: Promise<void>[] = [];
for (let offset = Number(from); ; offset += 500) {
  const items = deliveries('flow', plainFlows(500, T0 + offset * 1000, offset), { offset });
  underWay.push(store.write(items).then(() => void process.stdout.write(`${offset + 500}\n`)));
  if (underWay.length >= 8) await underWay.shift();
}
