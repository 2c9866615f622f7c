import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileCursors } from '../../pipeline/cursors.ts';
import { diskError, readJson, writeAtomically } from '../../pipeline/files.ts';
import { fileSnapshots } from '../../pipeline/snapshots.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const limits = { ttlMs: 1000, max: 100 };

test('a file is replaced whole, its directories are made, and nothing else is left behind', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'a', 'b.json');
  await writeAtomically(path, '{"n":1}');
  writeFileSync(`${path}.tmp`, '{"n":');
  assert.deepEqual(await readJson(path), { n: 1 }, 'what a crash left half written is not looked at');
  await writeAtomically(path, '{"n":2}');
  assert.deepEqual(await readJson(path), { n: 2 });
  assert.deepEqual(readdirSync(join(directory, 'a')), ['b.json']);
  assert.equal(await readJson(join(directory, 'none.json')), undefined);
});

test('a disk that is full may mend itself; anything else may not', () => {
  const failure = (code: string) => Object.assign(new Error(code), { code });
  assert.equal(diskError(failure('ENOSPC'), 'x').code, 'disk_full');
  assert.equal(diskError(failure('EROFS'), 'x').code, 'disk_full');
  assert.equal(diskError(failure('EISDIR'), 'cannot write x').message, 'cannot write x: EISDIR');
  assert.equal(diskError(failure('EISDIR'), 'x').code, 'state_unusable');
});

test('cursors are on disk once saved; origins not seen for their time are forgotten', async (t) => {
  const path = join(temporaryDirectory(t), 'cursors.json');
  const cursors = await fileCursors(path, limits);
  cursors.set('old', { position: 10 }, 0);
  cursors.set('new', { position: 20, state: { open: 1 }, hints: { path: 'x.log' } }, 900);
  await cursors.save(900);
  assert.deepEqual((await fileCursors(path, limits)).get('old')?.position, 10);
  cursors.set('new', { position: 30, state: { open: 2 } }, 1500);
  await cursors.save(1500);
  const again = await fileCursors(path, limits);
  assert.equal(again.get('old'), undefined);
  assert.deepEqual([again.get('new')?.position, again.get('new')?.state], [30, { open: 2 }]);
});

test('the cursor of history that is still there outlives its time', async (t) => {
  const path = join(temporaryDirectory(t), 'cursors.json');
  const cursors = await fileCursors(path, limits);
  cursors.set('history', { position: 10, hints: { final: true } }, 0);
  cursors.set('gone', { position: 10 }, 0);
  cursors.keep('history', 900);
  cursors.keep('never heard of', 900);
  cursors.set('live', { position: 20 }, 1500);
  await cursors.save(1500);
  const again = await fileCursors(path, limits);
  assert.deepEqual([...again.entries()].map(([origin]) => origin).sort(), ['history', 'live']);
  assert.deepEqual([again.get('history')?.position, again.get('history')?.hints], [10, { final: true }]);
});

test('no more cursors are kept than may be: the longest unseen goes first', async (t) => {
  const path = join(temporaryDirectory(t), 'cursors.json');
  const cursors = await fileCursors(path, { ttlMs: 1e9, max: 3 });
  for (let i = 0; i < 9; i++) cursors.set(`origin-${i}`, { position: i }, i);
  cursors.set('origin-0', { position: 100 }, 10);
  await cursors.save(10);
  const again = await fileCursors(path, limits);
  assert.deepEqual([...again.entries()].map(([origin]) => origin).sort(), [
    'origin-0',
    'origin-7',
    'origin-8',
  ]);
});

test('nothing changed, nothing is written', async (t) => {
  const path = join(temporaryDirectory(t), 'cursors.json');
  await (await fileCursors(path, limits)).save(0);
  assert.equal(existsSync(path), false);
});

test('a damaged cursor file names itself and what to do', async (t) => {
  const path = join(temporaryDirectory(t), 'cursors.json');
  writeFileSync(path, '{"version":1,"origins":{"a":');
  await assert.rejects(fileCursors(path, limits), (error: Error & { code: string }) => {
    assert.equal(error.code, 'state_unusable');
    assert.ok(error.message.includes(path) && error.message.includes('move it away'), error.message);
    return true;
  });
});

test('a snapshot is read back as it was written; the one a cursor names and the one before it are kept', async (t) => {
  const directory = temporaryDirectory(t);
  const snapshots = fileSnapshots(directory);
  const chunks = [Buffer.from('one'), Buffer.alloc(0), Buffer.from([0, 255, 7])];
  const references: string[] = [];
  for (let i = 0; i < 4; i++) {
    references.push(await snapshots.write(1, chunks));
    await snapshots.named!(1, references[i]!);
  }
  await snapshots.write(11, chunks);
  assert.deepEqual(
    (await snapshots.read(1, references[3]!)).map((chunk) => Buffer.from(chunk)),
    chunks,
  );
  assert.deepEqual(
    (await snapshots.read(1, references[2]!)).map((chunk) => Buffer.from(chunk)),
    chunks,
  );
  await assert.rejects(snapshots.read(1, references[0]!), { code: 'state_unusable' });
  assert.equal(readdirSync(directory).length, 3);
});

test('a snapshot that was cut short anywhere is refused, never half restored', async (t) => {
  const directory = temporaryDirectory(t);
  const snapshots = fileSnapshots(directory);
  const reference = await snapshots.write(0, [Buffer.from('twelve bytes')]);
  const path = join(directory, reference);
  for (let length = readFileSync(path).length - 1; length > 0; length--) {
    truncateSync(path, length);
    await assert.rejects(snapshots.read(0, reference), { code: 'state_unusable' }, `cut at ${length}`);
  }
});

test('while no cursor can be saved, the snapshot that the last one names stays, and their number is bounded', async (t) => {
  const directory = temporaryDirectory(t);
  const snapshots = fileSnapshots(directory);
  const chunks = [Buffer.from('state')];
  let named = '';
  for (let i = 0; i < 3; i++) await snapshots.named!(0, (named = await snapshots.write(0, chunks)));
  let newest = '';
  for (let i = 0; i < 50; i++) newest = await snapshots.write(0, chunks);
  const restarted = fileSnapshots(directory);
  assert.equal((await restarted.read(0, named)).length, 1);
  assert.equal((await restarted.read(0, newest)).length, 1);
  assert.ok(readdirSync(directory).length <= 9, readdirSync(directory).join(' '));
});

test('cursors that are saved twice at once are both whole, and the later one stays', async (t) => {
  const path = join(temporaryDirectory(t), 'cursors.json');
  const cursors = await fileCursors(path, { ttlMs: 1e9, max: 10_000 });
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 500; i++) cursors.set(`origin-${i}`, { position: round }, round);
    const first = cursors.save(round);
    for (let i = 0; i < 250; i++) cursors.set(`origin-${i}`, { position: 1000 + round }, round);
    await Promise.all([first, cursors.save(round)]);
    const again = await fileCursors(path, limits);
    assert.deepEqual(
      [again.get('origin-0')?.position, again.get('origin-499')?.position],
      [1000 + round, round],
    );
  }
});
