import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Sink } from '../../../pipeline/contracts.ts';
import type { Setup } from '../../../sinks/bulk/setup.ts';
import { someFlows } from '../../contracts/sinkContract.ts';
import { until } from '../../services/process.ts';
import type { Requester } from '../../services/search-node.ts';

const never = new AbortController().signal;

/** Ages so short that a whole life passes in a test. */
export const shortLived = {
  flow: '20s',
  flowKept: '20s',
  alert: '20s',
  policyChange: '20s',
  loss: '20s',
  access: '20s',
  warmAfter: '5s',
  coldAfter: '10s',
};

/** A stream is rolled over and its first index is deleted, both by the server, under the policies of the set-up. */
export async function livesAndDies(
  t: TestContext,
  far: {
    readonly request: Requester;
    readonly short: Setup;
    /** As the set-up makes them otherwise; put back at the end. */
    readonly usual: Setup;
    readonly sink: Sink;
    readonly stream: string;
    readonly timeoutMs: number;
  },
): Promise<void> {
  const apply = async (setup: Setup): Promise<void> => {
    await setup.apply((await setup.plan(never)).requests, never);
    await setup.close();
  };
  await apply(far.short);
  t.after(() => apply(far.usual));
  t.after(() => far.sink.stop?.(never));
  const indices = async (): Promise<string[]> => {
    const found = (await far.request('GET', `/_data_stream/${far.stream}`)) as {
      data_streams: { indices: { index_name: string }[] }[];
    };
    return found.data_streams[0]!.indices.map(({ index_name }) => index_name);
  };
  await far.sink.write(someFlows(10), never);
  const [first] = await indices();
  const wait = { timeoutMs: far.timeoutMs, everyMs: 1000 };
  await until('a rollover', async () => (await indices()).some((name) => name !== first), wait);
  // What is empty is not rolled over: the second one has something too.
  await far.sink.write(someFlows(10), never);
  await until('the first index to be deleted', async () => !(await indices()).includes(first!), wait);
  assert.ok((await indices()).length > 0);
}
