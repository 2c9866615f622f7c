import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import type { TestContext } from 'node:test';
import type { Sink } from '../../../pipeline/contracts.ts';
import type { Flow } from '../../../schema/records.ts';
import { delivering } from '../../helpers/delivering.ts';
import { aFlow } from '../../helpers/flows.ts';
import { until } from '../../services/process.ts';
import { count, type FarSide } from './far-side.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);

/** Settings of a node that looks at its disk, as often as it lets itself be told to. */
export const watchesDisk = {
  'cluster.routing.allocation.disk.threshold_enabled': 'true',
  'cluster.info.update.interval': '10s',
};

/** A disk can be neither filled nor mounted for each server; what counts as full can be set, and is then met by the server itself. */
async function diskIs(far: Pick<FarSide, 'request'>, state: 'full' | 'free'): Promise<void> {
  const watermark = state === 'full' ? '1000tb' : null;
  const path = 'cluster.routing.allocation.disk.watermark';
  await far.request('PUT', '/_cluster/settings', {
    persistent: {
      [`${path}.low`]: watermark,
      [`${path}.high`]: watermark,
      [`${path}.flood_stage`]: watermark,
    },
  });
}

/** Past the flood stage the server refuses writes; what waits is there once when it takes them again. */
export async function floodStage(
  t: TestContext,
  far: { readonly server: FarSide; readonly sink: Sink; readonly namespace: string },
): Promise<void> {
  const { server, sink, namespace } = far;
  const index = `logs-weir.flow-${namespace}`;
  t.after(() => sink.stop?.(never));
  const other: string[] = [];
  const run = await delivering(t, {
    far: sink,
    other: {
      write: (items) => {
        other.push(...items.map(({ record }) => (record as Flow).id));
        return Promise.resolve();
      },
    },
  });
  let position = 0;
  const append = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++)
      await run.append(
        Array.from({ length: 200 }, () =>
          aFlow({ origin: namespace, position: position++, endMs: Date.now() }),
        ),
      );
  };
  await append(5);
  await until('the first to be there', async () => (await run.lag('far')) === 0);

  await diskIs(server, 'full');
  t.after(() => diskIs(server, 'free').catch(() => {}));
  const settings = async (): Promise<string> =>
    JSON.stringify(await server.request('GET', `/${index}/_settings`));
  await until('the index to be blocked', async () => (await settings()).includes('read_only_allow_delete'), {
    timeoutMs: 60_000,
    everyMs: 500,
  });
  await append(20);
  await Promise.race([
    until('several failures', () => (run.failures.get('far') ?? 0) >= 5, { timeoutMs: 60_000 }),
    run.ended,
  ]);
  await until('the other sink to have everything', () => other.length === 5000);
  assert.equal(await run.lag('far'), 4000, 'nothing of it was settled, nothing was given up');
  const [why] = run.errors.get('far')!;
  assert.match(why!, /read-only-allow-delete|read_only_allow_delete/);

  await diskIs(server, 'free');
  await Promise.race([
    until('all to be there', async () => (await run.lag('far')) === 0, { timeoutMs: 90_000, everyMs: 500 }),
    run.ended,
  ]);
  assert.equal(await count(server, index), 5000);
  assert.equal(new Set(other).size, 5000);
  assert.equal(other.length, 5000);
  await run.stop();
}
