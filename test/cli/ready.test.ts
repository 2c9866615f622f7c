import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLookout } from '../../cli/api/server.ts';
import { configFrom } from '../../cli/config/index.ts';
import { serve } from '../../cli/wire/daemon.ts';
import { createBoard } from '../../cli/wire/process.ts';
import { systemClock } from '../../pipeline/clock.ts';
import { createMeter } from '../../telemetry/meter.ts';
import { silent } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { freePort } from '../services/process.ts';

test('while a schema that nobody published is waited for, the process is not ready', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const ready = async (): Promise<string> => {
    const answer = await fetch(`http://${address}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  let reasons = ['schema f:0123 of weir.flows-3 was not published within 60 s'];
  await serve(
    {
      config: configFrom(`listen: { metrics: '${address}' }`, { env: {} }),
      shared: {
        cluster: 'test',
        clock: systemClock,
        meter: createMeter(),
        log: silent,
        board: createBoard(),
      },
      stop: new AbortController().signal,
      started: () => {},
    },
    {
      lookout: createLookout(),
      store: null,
      desk: null,
      letters: null,
      log: { append: () => Promise.resolve() },
      unready: () => reasons,
      socket: join(temporaryDirectory(t), 'weir.sock'),
    },
    async () => {
      assert.match(await ready(), /^503 log: schema f:0123 of weir\.flows-3 was not published/);
      reasons = [];
      assert.match(await ready(), /^200 log: ok/);
    },
  );
});
