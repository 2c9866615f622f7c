import { WeirError } from '../../pipeline/errors.ts';
import { openStore } from '../../store/index.ts';
import { deliveries, plainFlows } from './helpers.ts';

/** A process whose files may not grow: writes until it is told so, and prints what was acknowledged before. */
const store = await openStore({ dir: process.argv[2]!, commitMs: 10, reserveBytes: 0, threads: 1 });
let acknowledged = 0;
let code = 'none';
try {
  for (let offset = 0; offset < 2_000_000; offset += 5000) {
    await store.write(
      deliveries('flow', plainFlows(5000, Date.UTC(2026, 0, 1) + offset * 1000, offset), { offset }),
    );
    acknowledged = offset + 5000;
  }
} catch (error) {
  code = error instanceof WeirError ? error.code : String(error);
}
process.stdout.write(JSON.stringify({ acknowledged, code }));
process.exit(0);
