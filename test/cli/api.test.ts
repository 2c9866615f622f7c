import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../cli/api/client.ts';
import type { Running } from '../../cli/api/forensics.ts';
import { createApi } from '../../cli/api/server.ts';
import { aFlow } from '../helpers/flows.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const unasked = (): never => assert.fail('not asked for here');

const answering = (parts: Partial<Running>): Running => ({
  status: () => Promise.resolve({ sources: [], detectors: [], suppressions: [], sinks: [], deadLetters: [] }),
  flows: unasked,
  completeness: unasked,
  alerts: unasked,
  alert: unasked,
  incidents: unasked,
  incident: unasked,
  observe: unasked,
  letters: unasked,
  decide: unasked,
  replayLetters: unasked,
  ...parts,
});

test('an answer that waits for its reader again and again leaves no listeners behind', async (t) => {
  const path = join(temporaryDirectory(t), 'weir.sock');
  const page = Array.from({ length: 500 }, (_, i) => aFlow({ position: i }));
  const api = createApi({
    path,
    running: answering({
      async *flows() {
        for (let pages = 0; pages < 20; pages++) yield page;
      },
    }),
    asked: () => Promise.resolve(),
  });
  await api.start();
  t.after(() => api.stop());
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  let flows = 0;
  for await (const some of (await connect(path))!.flows({
    query: '',
    talkedTo: null,
    limit: null,
    fromMs: null,
    toMs: null,
  }))
    flows += some.length;
  assert.equal(flows, 10_000);
  assert.deepEqual(warnings, []);
});
