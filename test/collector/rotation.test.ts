import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create } from '../../collector/inputs/file/index.ts';
import { options } from '../../collector/inputs/file/options.ts';
import type { Clock, OriginCursor } from '../../pipeline/contracts.ts';
import { checkBatches, readAll, reading, type Seen } from '../contracts/fileContract.ts';
import { manualClock, testContext, type ManualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const line = (i: number): string => `line ${String(i).padStart(6, '0')} ${'x'.repeat(i % 40)}`;
const block = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${line(from + i)}\n`).join('');
const texts = (seen: Seen): string[] => seen.lines.map((entry) => entry.slice(entry.indexOf(' ') + 1));
const losses = (seen: Seen) => seen.batches.flatMap((batch) => batch.losses);

function follow(
  path: string,
  clock: Clock,
  more: { startAt?: string; known?: readonly [string, OriginCursor][] } = {},
) {
  const { known } = more;
  return create(options.parse({ path, startAt: more.startAt ?? 'beginning' }), {
    ...testContext({ clock }),
    follow: true,
    ...(known === undefined ? {} : { known: () => known }),
  });
}

test('a log that is renamed while it is written to is read to its end, then the new one', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 100));
  const run = reading(t, follow(`${path}*`, clock), clock);
  await run.until((seen) => seen.lines.length === 100);
  appendFileSync(path, block(100, 150));
  renameSync(path, `${path}.1`);
  // The writer still has the old file open for a while.
  appendFileSync(`${path}.1`, block(150, 200));
  writeFileSync(path, block(200, 250));
  await run.tick(2000);
  appendFileSync(`${path}.1`, block(250, 260));
  appendFileSync(path, block(260, 300));
  await run.until((seen) => seen.lines.length === 300 && seen.batches.some((batch) => batch.final));
  assert.deepEqual(
    texts(run.seen).sort(),
    Array.from({ length: 300 }, (_, i) => line(i)),
  );
  assert.deepEqual(losses(run.seen), []);
  checkBatches(run.seen.batches);
  await run.stop();
  assert.deepEqual(
    (
      await readAll(create(options.parse({ path: `${path}*` }), { ...testContext(), follow: false }))
    ).lines.sort(),
    run.seen.lines.sort(),
  );
});

test('a log that is rotated between the listing and the opening is not taken for its successor', async (t) => {
  // The input asks for the time before, within and after its look at the files: at each of these the log is rotated.
  const at = [1, 2, 3, 4, 5, 6];
  const rotating = (path: string, call: number): ManualClock => {
    const clock = manualClock();
    let calls = 0;
    writeFileSync(path, block(0, 10));
    return {
      ...clock,
      now: () => {
        if (++calls === call) {
          renameSync(path, `${path}.1`);
          writeFileSync(path, block(10, 15));
        }
        return clock.now();
      },
    };
  };
  const all = Array.from({ length: 15 }, (_, i) => line(i));
  for (const call of at) {
    const path = join(temporaryDirectory(t), 'x.log');
    const clock = rotating(path, call);
    const run = reading(t, follow(`${path}*`, clock), clock);
    await run.until((seen) => seen.lines.length === 15 && seen.batches.some((batch) => batch.final));
    assert.deepEqual(texts(run.seen).sort(), all);
    checkBatches(run.seen.batches);
    await run.stop();
  }
  for (const call of at) {
    const path = join(temporaryDirectory(t), 'x.log');
    const clock = rotating(path, call);
    const once = create(options.parse({ path: `${path}*` }), { ...testContext({ clock }), follow: false });
    assert.deepEqual(texts(await readAll(once)).sort(), all);
  }
});

test('a log that is renamed out of the pattern is still read to its end', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 10));
  const run = reading(t, follow(path, clock), clock);
  await run.until((seen) => seen.lines.length === 10);
  appendFileSync(path, block(10, 20));
  renameSync(path, join(directory, 'gone'));
  appendFileSync(join(directory, 'gone'), 'the last line has no newline');
  await run.until((seen) => seen.batches.some((batch) => batch.final));
  assert.deepEqual(texts(run.seen), [
    ...Array.from({ length: 20 }, (_, i) => line(i)),
    'the last line has no newline',
  ]);
});

test('a log that is deleted unread is read from the open file', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 10));
  const run = reading(t, follow(path, clock), clock);
  await run.until((seen) => seen.lines.length === 10);
  appendFileSync(path, block(10, 20));
  rmSync(path);
  await run.until((seen) => seen.lines.length === 20 && seen.batches.some((batch) => batch.final));
  assert.deepEqual(losses(run.seen), []);
});

test('copied and truncated while it is written to: the copy is read from where the log was', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 100));
  const run = reading(t, follow(`${path}*`, clock), clock);
  await run.until((seen) => seen.lines.length === 100);
  appendFileSync(path, block(100, 150));
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  appendFileSync(path, block(150, 160));
  await run.until((seen) => seen.lines.length === 160);
  await run.until((seen) => seen.batches.some((batch) => batch.final));
  appendFileSync(path, block(160, 170));
  await run.until((seen) => seen.lines.length === 170);
  assert.deepEqual(
    texts(run.seen).sort(),
    Array.from({ length: 170 }, (_, i) => line(i)),
  );
  assert.deepEqual(losses(run.seen), []);
  checkBatches(run.seen.batches);
});

test('truncated without a copy: what was seen and not read is a loss', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, `${block(0, 10)}begun but not`);
  const run = reading(t, follow(path, clock), clock);
  await run.until((seen) => seen.lines.length === 10);
  writeFileSync(path, 'new\n');
  await run.until((seen) => losses(seen).length > 0);
  const [loss] = losses(run.seen);
  assert.equal(loss?.why, 'rotated');
  assert.equal(loss?.fromPosition, Buffer.byteLength(block(0, 10)));
  assert.match(loss?.detail ?? '', /x\.log: 13 bytes after byte \d+ were rotated away/);
  assert.equal(texts(run.seen).at(-1), 'new');
  checkBatches(run.seen.batches);
});

test('truncated under writers that do not append: the hole is passed over, and no file is taken for another', async (t) => {
  const directory = temporaryDirectory(t);
  const paths = ['a.log', 'b.log'].map((name) => join(directory, name));
  const clock = manualClock();
  // Longer than what may take part in an identity, and longer than a line may be.
  const HOLE = [40_000, 3_000_000];
  paths.forEach((path, i) => writeFileSync(path, block(i * 100, i * 100 + 10)));
  const run = reading(t, follow(join(directory, '*.log*'), clock), clock);
  await run.until((seen) => seen.lines.length === 20);
  paths.forEach((path, i) => {
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
    truncateSync(path, HOLE[i]);
    appendFileSync(path, block(i * 100 + 10, i * 100 + 20));
  });
  await run.until((seen) => seen.lines.length >= 40);
  await run.tick(30_000);
  assert.deepEqual(
    texts(run.seen).sort(),
    [...Array(20).keys()].flatMap((i) => [line(i), line(100 + i)]).sort(),
  );
  assert.deepEqual(
    run.seen.batches.flatMap((batch) => batch.rejects),
    [],
  );
  checkBatches(run.seen.batches);
  await run.stop();
  writeFileSync(`${paths[1]}.2.gz`, gzipSync(readFileSync(paths[1]!)));
  rmSync(paths[1]!);
  const once = create(options.parse({ path: join(directory, '*.log*') }), {
    ...testContext(),
    follow: false,
  });
  assert.deepEqual((await readAll(once)).lines.sort(), run.seen.lines.sort());
});

test('truncated and begun with the same line again: another origin', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 10));
  const run = reading(t, follow(path, clock), clock);
  await run.until((seen) => seen.lines.length === 10);
  for (const round of [20, 30]) {
    writeFileSync(path, '');
    await run.tick(1000);
    writeFileSync(path, block(0, 10));
    await run.until((seen) => seen.lines.length === round);
  }
  assert.equal(new Set(run.seen.lines).size, 30);
  checkBatches(run.seen.batches);
});

test('rotated and compressed while nobody read: reading goes on in the compressed file', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 50));
  const first = reading(t, follow(`${path}*`, clock), clock);
  await first.until((seen) => seen.lines.length === 50);
  await first.stop();
  const { origin, next } = first.seen.batches.at(-1)!;
  writeFileSync(`${path}.1.gz`, gzipSync(readFileSync(path, 'utf8') + block(50, 80)));
  writeFileSync(path, block(80, 100));
  const second = reading(t, follow(`${path}*`, clock, { startAt: 'end' }), clock, (asked) =>
    asked === origin ? { position: next } : undefined,
  );
  await second.until((seen) => seen.lines.length === 50);
  await second.tick(30_000);
  assert.deepEqual(
    texts(second.seen).sort(),
    Array.from({ length: 50 }, (_, i) => line(50 + i)),
  );
});

test('what an earlier run had not read out and is gone is a loss', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, block(0, 5));
  const known: [string, OriginCursor][] = [
    ['before', { position: 1234, hints: { path } }],
    ['read-out', { position: 9, hints: { path, final: true } }],
    ['elsewhere', { position: 9, hints: { path: '/elsewhere/y.log' } }],
  ];
  const run = reading(t, follow(path, clock, { known, startAt: 'end' }), clock);
  await run.until((seen) => losses(seen).length > 0);
  await run.tick(30_000);
  assert.deepEqual(
    losses(run.seen).map((loss) => [loss.origin, loss.fromPosition]),
    [['before', 1234]],
  );
  // A file that no run has read is new, not one to be begun at its end, once there were runs.
  assert.equal(run.seen.lines.length, 5);
});

test('startAt: end begins after the last whole line, with the header of a log with columns', async (t) => {
  const path = join(temporaryDirectory(t), 'conn.log');
  const clock = manualClock();
  writeFileSync(path, `#separator \\x09\n#fields\tts\n${block(0, 10)}line 0000`);
  const run = reading(t, follow(path, clock, { startAt: 'end' }), clock);
  await run.tick(2000);
  appendFileSync(path, `10 xxxxxxxxxx\n${block(11, 12)}`);
  await run.until((seen) => seen.lines.length >= 4);
  assert.deepEqual(texts(run.seen), ['#separator \\x09', '#fields\tts', line(10), line(11)]);
  checkBatches(run.seen.batches);
});

test('compressed history that startAt left out is not read at the second start either', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.log');
  writeFileSync(`${path}.2.gz`, gzipSync(block(0, 10)));
  writeFileSync(`${path}.1`, block(10, 20));
  writeFileSync(path, block(20, 30));
  const kept = new Map<string, OriginCursor>();
  const start = (): ReturnType<typeof reading> => {
    const clock = manualClock();
    const input = follow(`${path}*`, clock, { startAt: 'end', known: [...kept] });
    return reading(t, input, clock, (origin) => kept.get(origin));
  };
  const first = start();
  await first.tick(30_000);
  await first.stop();
  for (const { origin, next, hints } of first.seen.batches)
    kept.set(origin, { position: next, ...(hints === undefined ? {} : { hints }) });
  assert.deepEqual([texts(first.seen), kept.size], [[], 3]);
  appendFileSync(path, block(30, 32));
  const second = start();
  await second.tick(30_000);
  assert.deepEqual(texts(second.seen), [line(30), line(31)]);
  assert.deepEqual(losses(second.seen), []);
});

test('that history is still there is told, so that its cursors are not forgotten', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.log');
  writeFileSync(`${path}.1.gz`, gzipSync(block(0, 10)));
  writeFileSync(path, block(20, 30));
  const clock = manualClock();
  const told: [string, number][] = [];
  const input = create(options.parse({ path: `${path}*`, startAt: 'beginning', pollInterval: '10m' }), {
    ...testContext({ clock }),
    follow: true,
    stillThere: (origin) => void told.push([origin, clock.now()]),
  });
  const run = reading(t, input, clock);
  await run.until((seen) => seen.lines.length === 20 && seen.batches.some((batch) => batch.final));
  const { origin } = run.seen.batches.find((batch) => batch.final)!;
  await run.tick(4 * 3_600_000);
  assert.deepEqual(new Set(told.map(([name]) => name)), new Set([origin]));
  assert.ok(told.length >= 3, `told ${told.length} times`);
  rmSync(`${path}.1.gz`);
  await run.tick(1_200_000);
  told.length = 0;
  await run.tick(2 * 3_600_000);
  assert.deepEqual(told, []);
});

test('startAt: a duration reads files written to within it', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.log');
  writeFileSync(path, block(0, 10));
  const late = manualClock(Date.now() + 7_200_000);
  const nothing = reading(t, follow(path, late, { startAt: '1h' }), late);
  await nothing.tick(2000);
  assert.equal(nothing.seen.lines.length, 0);
  const soon = manualClock(Date.now());
  const all = reading(t, follow(path, soon, { startAt: '1h' }), soon);
  await all.until((seen) => seen.lines.length === 10);
});

test('a partial last line waits for its end', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const clock = manualClock();
  writeFileSync(path, 'first\nsec');
  const run = reading(t, follow(path, clock), clock);
  await run.until((seen) => seen.lines.length === 1);
  await run.tick(5000);
  assert.deepEqual(texts(run.seen), ['first']);
  assert.equal(run.seen.batches.at(-1)?.next, 6);
  appendFileSync(path, 'ond\n');
  await run.until((seen) => seen.lines.length === 2);
  assert.deepEqual(texts(run.seen), ['first', 'second']);
});

test('a line of more than the maximum is rejected with its place, and nothing after it is lost', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const long = 'y'.repeat(5_000_000);
  writeFileSync(path, `before\n${long}\nafter\n`);
  const seen = await readAll(
    create(options.parse({ path, maxLineBytes: '64KiB' }), { ...testContext(), follow: false }),
  );
  assert.deepEqual(texts(seen), ['before', 'after']);
  const rejects = seen.batches.flatMap((batch) => batch.rejects);
  assert.equal(rejects.length, 1);
  assert.equal(rejects[0]?.code, 'line_too_long');
  assert.equal(rejects[0]?.position, 7);
  assert.match(rejects[0]?.reason ?? '', /x\.log, byte 7: a line of 5000000 bytes, at most 65536/);
  assert.equal(rejects[0]?.payload.length, 65_536);
});

test('a damaged compressed file gives what is before the damage, and says what is not', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.log.gz');
  const whole = gzipSync(Array.from({ length: 60_000 }, (_, i) => `${line(i)} ${Math.sin(i)}\n`).join(''));
  writeFileSync(path, whole.subarray(0, whole.length - 20_000));
  const seen = await readAll(create(options.parse({ path }), { ...testContext(), follow: false }));
  assert.ok(seen.lines.length > 1000);
  assert.match(losses(seen)[0]?.detail ?? '', /x\.log\.gz: damaged gzip data \(Z_BUF_ERROR\)/);
});

test('files that cannot be read are named with what grants it; the others are read', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'sub'));
  writeFileSync(join(directory, 'a.log'), block(0, 3));
  await assert.rejects(
    readAll(
      create(options.parse({ path: join(directory, 'missing.log') }), { ...testContext(), follow: false }),
    ),
    /no file matches .*missing\.log|missing\.log: cannot be read \(ENOENT\)/,
  );
  await assert.rejects(
    readAll(create(options.parse({ path: join(directory, 'sub') }), { ...testContext(), follow: false })),
    /sub|no file matches/,
  );
  if (process.getuid?.() === 0) return;
  writeFileSync(join(directory, 'b.log'), block(3, 6));
  chmodSync(join(directory, 'b.log'), 0);
  const warned: object[] = [];
  const context = testContext({
    clock: manualClock(),
    log: { debug() {}, info() {}, warn: (fields) => void warned.push(fields), error() {} },
  });
  const clock = manualClock();
  const run = reading(
    t,
    create(options.parse({ path: join(directory, '*.log'), startAt: 'beginning' }), {
      ...context,
      clock,
      follow: true,
    }),
    clock,
  );
  await run.until((seen) => seen.lines.length === 3);
  assert.match(JSON.stringify(warned), /b\.log: cannot be read \(EACCES\).*setfacl/);
});
