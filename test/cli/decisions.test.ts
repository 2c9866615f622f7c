import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect } from '../../cli/api/client.ts';
import type { Running } from '../../cli/api/forensics.ts';
import { createApi } from '../../cli/api/server.ts';
import type { Change, ControlChannel } from '../../cli/wire/control.ts';
import { incidentDesk, type IncidentDesk, type Wanted } from '../../cli/wire/decisions.ts';
import { createBoard } from '../../cli/wire/process.ts';
import { decisionOf } from '../../incidents/decisions.ts';
import type { IncidentStream } from '../../incidents/stream.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { newControl, type Control } from '../../schema/records.ts';
import { manualClock, silent } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const clock = manualClock();
const wanted: Wanted = { incident: 'known', action: 'closed', by: 'ann', reason: 'a test' };

/** A process that joins some of three partitions; what it publishes comes back to it. */
function aDesk(): IncidentDesk & { readonly published: Change[] } {
  const published: Change[] = [];
  let listener: (record: Control, isNew: boolean) => void = () => {};
  const control: ControlChannel = {
    on: (_kind, take) => void (listener = take),
    async publish(change) {
      published.push(change);
      const { id, timeMs, kind, body } = change;
      listener(newControl({ id, timeMs, kind, body: JSON.stringify(body) }), true);
    },
    start: () => Promise.resolve(),
    pump: { name: 'control', run: () => Promise.resolve() },
  };
  const shared = { cluster: 'test', clock, meter: noMeter, log: silent, board: createBoard() };
  return Object.assign(incidentDesk({ control, partitions: () => 3, leadMs: 2000 }, shared), { published });
}

const aStream = (joinedToMs: number, ...open: string[]): IncidentStream =>
  ({ joinedToMs, has: (id: string) => open.includes(id) }) as unknown as IncidentStream;

test('a decision holds a little after the event time that the process has come to, which is what a person sees', async () => {
  const desk = aDesk();
  const behindMs = clock.now() - 3 * 3_600_000;
  desk.held([aStream(behindMs - 5, 'known'), aStream(behindMs)]);
  const decided = await desk.decide(wanted);
  assert.deepEqual(decided, { fromMs: behindMs + 2000, joinedToMs: behindMs, state: 'open' });
  const [decision] = desk.decisions.since(0).decisions;
  assert.deepEqual({ ...decision, id: '' }, { ...wanted, id: '', timeMs: behindMs + 2000 });
  assert.deepEqual(desk.published[0]!.access, {
    action: 'incident_closed',
    user: 'ann',
    detail: 'known: a test',
  });
});

test('before any event time, and for a clock that is ahead, it holds a little after now', async () => {
  const desk = aDesk();
  assert.equal((await desk.decide(wanted)).fromMs, clock.now() + 2000);
  desk.held([aStream(clock.now() + 1e9, 'known')]);
  assert.equal((await desk.decide(wanted)).fromMs, clock.now() + 2000);
});

test('what is not open in all partitions is refused; with only some of them it may be open elsewhere', async () => {
  const desk = aDesk();
  desk.held([aStream(0), aStream(0)]);
  assert.equal((await desk.decide({ ...wanted, incident: 'x' })).state, 'elsewhere');
  desk.held([aStream(0), aStream(0), aStream(0)]);
  assert.equal((await desk.decide({ ...wanted, incident: 'x' })).state, 'not_open');
  assert.equal(desk.published.length, 1);
});

async function served(t: TestContext, desk: IncidentDesk): Promise<{ running: Running; path: string }> {
  const path = join(temporaryDirectory(t), 'weir.sock');
  const running = {
    status: () => Promise.resolve({}),
    decide: (asked: Wanted) => desk.decide(asked),
  } as unknown as Running;
  const api = createApi({ path, running, asked: () => Promise.resolve() });
  await api.start();
  t.after(() => api.stop());
  return { running: (await connect(path))!, path };
}

test('a decision goes over the socket, and another form of it is refused there', async (t) => {
  const desk = aDesk();
  desk.held([aStream(5000, 'known')]);
  const { running } = await served(t, desk);
  assert.deepEqual(await running.decide(wanted), { fromMs: 7000, joinedToMs: 5000, state: 'open' });
  const wrong = { ...wanted, action: 'forgotten' } as unknown as Wanted;
  await assert.rejects(running.decide(wrong), { code: 'query_invalid' });
  assert.equal(desk.published.length, 1);
  assert.equal(
    decisionOf(newControl({ ...desk.published[0]!, body: JSON.stringify(desk.published[0]!.body) })).by,
    'ann',
  );
});
