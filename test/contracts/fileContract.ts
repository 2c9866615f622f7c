import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Clock, Input, LineBatch, OriginCursor } from '../../pipeline/contracts.ts';
import { flowIds } from '../../schema/ids.ts';
import { manualClock, type ManualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

/** What one run of an input gave. */
export interface Seen {
  /** `id text` of each line, in the order they came. */
  readonly lines: string[];
  readonly batches: LineBatch[];
}

export interface FileContractOptions {
  /** Name of the input, for the names of the tests. */
  readonly name: string;
  /** An input over the files that match the pattern. */
  create(pattern: string, run: { follow: boolean; clock: Clock }): Input;
  /** Lines to write; each has to be as a log of the kind would have it, and no two may be equal. */
  readonly lines: readonly string[];
  /** First lines of each file, such as a header with columns. */
  readonly header?: readonly string[];
}

const never = new AbortController().signal;
const nowhere = (): undefined => undefined;

/** The id that a decoder would give the line at a position. */
function idOf(origin: string, position: number): string {
  return flowIds({ cluster: 'test', node: null, collector: 'contract', origin })(position);
}

function note(seen: Seen, batch: LineBatch): void {
  seen.batches.push(batch);
  for (const line of batch.lines) seen.lines.push(`${idOf(batch.origin, line.position)} ${line.text}`);
}

/** Reads a finite input to its end. */
export async function readAll(
  input: Input,
  from: (origin: string) => OriginCursor | undefined = nowhere,
): Promise<Seen> {
  const seen: Seen = { lines: [], batches: [] };
  await input.start?.(never);
  for await (const batch of input.read(from, never)) note(seen, batch);
  await input.stop?.(never);
  return seen;
}

/**
 * Reads an input that follows, in the background. Time goes on only while the input waits for it: files are real
 * and take what a busy machine takes, but that is no time of the clock, and what a test writes is never written in
 * the middle of a look at the files.
 */
export function reading(
  t: TestContext,
  input: Input,
  clock: ManualClock,
  from: (origin: string) => OriginCursor | undefined = nowhere,
) {
  const abort = new AbortController();
  const seen: Seen = { lines: [], batches: [] };
  let over = false;
  const done = (async () => {
    for await (const batch of input.read(from, abort.signal)) note(seen, batch);
  })().finally(() => (over = true));
  done.catch(() => {});
  const stop = async (): Promise<void> => {
    abort.abort();
    await done;
    await input.stop?.(never);
  };
  t.after(stop);
  const waits = async (): Promise<void> => {
    while (!over && clock.nextDueMs() === null) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const tick = async (ms: number): Promise<void> => {
    const targetMs = clock.now() + ms;
    for (;;) {
      await waits();
      const dueMs = clock.nextDueMs();
      if (dueMs === null || dueMs > targetMs) break;
      await clock.tick(dueMs - clock.now());
    }
    await clock.tick(targetMs - clock.now());
    await waits();
  };
  return {
    seen,
    stop,
    tick,
    /** Goes on with the clock until something holds, at most 100 s of it. */
    async until(holds: (seen: Seen) => boolean): Promise<void> {
      await waits();
      for (let turn = 0; turn < 400 && !over && !holds(seen); turn++) await tick(250);
      assert.ok(holds(seen), `not reached; ${seen.lines.length} lines were read`);
    },
  };
}

/** Positions rise in each origin, `next` follows the lines, and nothing comes after `final`. */
export function checkBatches(batches: readonly LineBatch[]): void {
  const next = new Map<string, number>();
  const final = new Set<string>();
  for (const batch of batches) {
    assert.ok(!final.has(batch.origin), 'a batch came after the final one');
    let last = next.get(batch.origin) ?? -1;
    for (const line of batch.lines) {
      assert.ok(line.position >= last, `position ${line.position} after ${last}`);
      last = line.position + 1;
    }
    assert.ok(batch.next >= last - 1);
    next.set(batch.origin, batch.next);
    if (batch.final) final.add(batch.origin);
  }
}

/** What an input over files promises beside `sourceContract` (architecture, "Origins, positions, cursors"). */
export function fileContract(options: FileContractOptions): void {
  const { name, lines, header = [] } = options;
  const content = (from: number, to: number, first = from === 0): string =>
    [...(first ? header : []), ...lines.slice(from, to)].map((line) => `${line}\n`).join('');
  const whole = content(0, lines.length);
  const records = (seen: Seen): string[] =>
    seen.lines.filter((line) => !header.includes(line.slice(line.indexOf(' ') + 1)));
  const once = (pattern: string): Input => options.create(pattern, { follow: false, clock: manualClock() });

  test(`${name}: every line once and in order, then the origin is final`, async (t) => {
    const path = join(temporaryDirectory(t), 'x.log');
    writeFileSync(path, whole);
    const seen = await readAll(once(path));
    assert.deepEqual(
      records(seen).map((line) => line.slice(line.indexOf(' ') + 1)),
      lines,
    );
    assert.equal(new Set(seen.lines).size, seen.lines.length);
    checkBatches(seen.batches);
    assert.deepEqual(
      seen.batches.filter((batch) => batch.final).map((batch) => batch.next),
      [Buffer.byteLength(whole)],
    );
  });

  test(`${name}: from the cursor before any line the rest is the same`, async (t) => {
    const path = join(temporaryDirectory(t), 'x.log');
    writeFileSync(path, whole);
    const all = await readAll(once(path));
    const { origin } = all.batches[0]!;
    const positions = all.batches.flatMap((batch) => batch.lines.map((line) => line.position));
    for (const index of [0, 1, Math.floor(positions.length / 2), positions.length - 1]) {
      const cursor = { position: positions[index]! };
      const rest = await readAll(once(path), (asked) => (asked === origin ? cursor : undefined));
      assert.deepEqual(rest.lines, all.lines.slice(index), `from line ${index}`);
    }
    const end = await readAll(once(path), () => ({ position: Buffer.byteLength(whole) }));
    assert.deepEqual(end.lines, []);
  });

  test(`${name}: ids are equal read live, after rotation, compressed and in replay`, async (t) => {
    const directory = temporaryDirectory(t);
    const clock = manualClock();
    const live = join(directory, 'x.log');
    const half = Math.floor(lines.length / 2);
    writeFileSync(live, '');
    const follower = reading(t, options.create(`${live}*`, { follow: true, clock }), clock);
    await follower.tick(1000);
    for (let i = 0; i < lines.length; i++) {
      appendFileSync(live, content(i, i + 1));
      if (i % Math.ceil(lines.length / 5) === 0) await follower.tick(1000);
      if (i === half) renameSync(live, `${live}.1`);
      if (i === half) writeFileSync(live, header.map((line) => `${line}\n`).join(''));
    }
    await follower.until((seen) => records(seen).length >= lines.length);
    await follower.stop();
    const replayed = await readAll(once(`${live}*`));
    assert.deepEqual([...replayed.lines].sort(), [...follower.seen.lines].sort());

    const archive = join(directory, 'archive');
    mkdirSync(archive);
    writeFileSync(join(archive, 'x.log.2.gz'), gzipSync(readFileSync(`${live}.1`)));
    writeFileSync(join(archive, 'x.log.1.gz'), gzipSync(readFileSync(live)));
    assert.deepEqual((await readAll(once(join(archive, '*')))).lines, replayed.lines);
  });

  test(`${name}: a copy of a file is not read twice`, async (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'x.log'), whole);
    copyFileSync(join(directory, 'x.log'), join(directory, 'x.log.1'));
    writeFileSync(join(directory, 'x.log.2.gz'), gzipSync(whole));
    assert.equal(records(await readAll(once(join(directory, '*')))).length, lines.length);
  });

  test(`${name}: what is not pulled is not read`, async (t) => {
    const path = join(temporaryDirectory(t), 'x.log');
    writeFileSync(path, whole);
    const clock = manualClock();
    const input = options.create(path, { follow: false, clock });
    const iterator = input.read(nowhere, never)[Symbol.asyncIterator]();
    const first = await iterator.next();
    await clock.tick(60_000);
    // A line written after the first pull is seen, so the rest of the file was not read ahead.
    appendFileSync(path, `${lines[0]} again\n`);
    const seen: Seen = { lines: [], batches: [] };
    if (first.done !== true) note(seen, first.value);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      note(seen, next.value);
    assert.equal(records(seen).length, lines.length + 1);
    await input.stop?.(never);
  });

  test(`${name}: stop is idempotent and needs no start`, async (t) => {
    const path = join(temporaryDirectory(t), 'x.log');
    writeFileSync(path, whole);
    const input = once(path);
    await input.stop?.(never);
    await input.stop?.(never);
    const clock = manualClock();
    const follower = reading(t, options.create(path, { follow: true, clock }), clock);
    await clock.tick(1000);
    await follower.stop();
    await follower.stop();
  });
}
