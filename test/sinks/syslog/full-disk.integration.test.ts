import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Flow } from '../../../schema/records.ts';
import { delivering, type Delivering } from '../../helpers/delivering.ts';
import { aFlow } from '../../helpers/flows.ts';
import { freePort, until } from '../../services/process.ts';
import { rsyslog } from '../../services/rsyslog.ts';
import { smallDisk } from '../../services/small-disk.ts';
import { parseRfc5424 } from './parse-rfc5424.ts';
import { syslogSink } from './sink.ts';

const FLOWS = 6000;
const flowsOf = (origin: string): Flow[] =>
  Array.from({ length: FLOWS }, (_, position) => aFlow({ origin, position }));

interface Both extends Delivering {
  /** Ids that the sink beside it was given. */
  readonly other: readonly string[];
}

/** The sink, and one beside it that takes everything at once. */
async function besideAnother(t: TestContext, relpPort: number, options: object): Promise<Both> {
  const other: string[] = [];
  const run = await delivering(t, {
    siem: syslogSink(t, { to: `relp://127.0.0.1:${relpPort}`, ...options }),
    other: {
      write: (items) => {
        other.push(...items.map(({ record }) => (record as Flow).id));
        return Promise.resolve();
      },
    },
  });
  return { ...run, other };
}

/** What a relay sends on, once it is opened. */
async function collector(t: TestContext): Promise<{ port: number; lines: string[]; open(): Promise<void> }> {
  const port = await freePort();
  const lines: string[] = [];
  const server = createServer((socket) => {
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const whole = (rest + chunk.toString()).split('\n');
      rest = whole.pop()!;
      lines.push(...whole);
    });
    socket.on('error', () => {});
    t.after(() => socket.destroy());
  });
  t.after(() => void server.close());
  return {
    port,
    lines,
    open: () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve)),
  };
}

/** Flows go to a relay that may use so much of its disk and no more, and whose receiver is away at first. */
async function throughFullQueue(
  t: TestContext,
  options: object,
  held: (run: Both) => Promise<void>,
): Promise<readonly Readonly<Record<string, string>>[] | null> {
  const receiver = await collector(t);
  const far = await rsyslog(t, { relay: { port: receiver.port, queueBytes: 300_000 } });
  if (!far) return null;
  const run = await besideAnother(t, far.relpPort, options);
  const flows = flowsOf('queue');
  for (let at = 0; at < FLOWS; at += 500) await run.append(flows.slice(at, at + 500));
  await Promise.race([
    until('the other sink to have everything', () => run.other.length === FLOWS),
    run.ended,
  ]);
  await held(run);
  assert.ok((await run.lag('siem')) > FLOWS / 2, 'the relay has taken what its queue holds');
  await receiver.open();
  await Promise.race([
    until('everything to be taken', async () => (await run.lag('siem')) === 0, { timeoutMs: 60_000 }),
    run.ended,
  ]);
  const marks = (): Readonly<Record<string, string>>[] =>
    receiver.lines.map((line) => parseRfc5424(line).data['weir@32473']!);
  const wanted = new Set(flows.map(({ id }) => id));
  await until('everything to arrive', () => new Set(marks().map(({ id }) => id)).size === FLOWS, {
    timeoutMs: 60_000,
    everyMs: 500,
  });
  await run.stop();
  assert.deepEqual(new Set(marks().map(({ id }) => id)), wanted);
  assert.equal(run.other.length, FLOWS);
  assert.equal(new Set(run.other).size, FLOWS);
  return marks();
}

test('syslog: a relay that may use no more of its disk holds its sender up, and has each message once', async (t) => {
  // As long as the sender waits, nothing is sent again.
  const marks = await throughFullQueue(t, { writeTimeoutMs: '10m' }, () => Promise.resolve());
  if (!marks) return;
  assert.equal(marks.length, FLOWS);
  assert.ok(marks.every(({ resent }) => resent === undefined));
});

test('syslog: given up by its sender meanwhile, it misses nothing, and what comes twice is marked', async (t) => {
  const marks = await throughFullQueue(t, { writeTimeoutMs: '500ms' }, (run) =>
    until('several failures', () => (run.failures.get('siem') ?? 0) >= 3, { timeoutMs: 60_000 }),
  );
  if (!marks) return;
  const met = new Set<string>();
  for (const { id, resent } of marks) {
    if (met.has(id!)) assert.equal(resent, '1', `${id} came twice without a mark`);
    met.add(id!);
  }
});

/**
 * rsyslog acknowledges what its queue has taken, and then loses what its file has no room for (8.2302; with
 * `action.resumeRetryCount="-1"` as well). No sender can know that: what is proved is that nothing else is touched.
 */
test('syslog: a receiver whose file has no room touches no other sink, and what comes later is there', async (t) => {
  const disk = await smallDisk(t, 16_000_000);
  if (!disk) return;
  const far = await rsyslog(t, { outDir: disk.dir });
  if (!far) return;
  const run = await besideAnother(t, far.relpPort, {});
  // Its last line before the disk was full may be half a line, with the next one behind it.
  const written = (): ReadonlySet<string> => {
    const text = readFileSync(join(disk.dir, 'out.jsonl'), 'utf8');
    return new Set([...text.matchAll(/ id=\\"([^"\\]+)\\"/g)].map(([, id]) => id!));
  };
  await disk.fill(400_000);
  await run.append(flowsOf('full'));
  await Promise.race([until('the disk to be full', () => disk.freeBytes() === 0), run.ended]);
  await until('the other sink to have everything', () => run.other.length === FLOWS);
  await Promise.race([until('all to be acknowledged', async () => (await run.lag('siem')) === 0), run.ended]);

  await disk.empty();
  const later = flowsOf('later').slice(0, 100);
  await run.append(later);
  await until('what came later to be written', () => later.every(({ id }) => written().has(id)), {
    timeoutMs: 60_000,
    everyMs: 500,
  });
  assert.equal(run.other.length, FLOWS + 100);
  await run.stop();
});
