import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { deadLetter } from '../../pipeline/dead-letter.ts';
import {
  letterBox,
  type LetterBox,
  type LetterQuery,
  type LetterTarget,
  type Replayed,
} from '../../pipeline/letter-box.ts';
import type { DeadLetter } from '../../schema/records.ts';

const never = new AbortController().signal;
const every: LetterQuery = { where: () => true, limit: 1000 };
const letter = (offset: number, component = 'sink.a'): DeadLetter =>
  deadLetter({
    component,
    kind: 'alert',
    code: 'sink_refused_record',
    reason: 'no',
    payload: `{"n":${offset}}`,
    timeMs: offset,
    topic: 'alerts',
    partition: 0,
    offset,
  });

interface Parts {
  readonly log: DeadLetter[];
  readonly box: LetterBox;
  readonly delivered: string[];
}

/** Delivers what `takes` says; `dies` lets the process end after the delivery and before its end is written. */
function made(log: DeadLetter[], takes: (letter: DeadLetter) => boolean, dies = (): boolean => false): Parts {
  const delivered: string[] = [];
  const target: LetterTarget = {
    deliver(letters) {
      const taken = letters.map((each) => takes(each));
      for (const [i, { id }] of letters.entries()) if (taken[i]) delivered.push(id);
      return Promise.resolve(taken.map((ok) => (ok ? null : 'refused again')));
    },
  };
  const box = letterBox({
    async scan(visit) {
      for (const each of log.slice()) await visit(each);
    },
    append(endings) {
      if (dies()) return Promise.reject(new Error('killed'));
      log.push(...endings);
      return Promise.resolve();
    },
    targetOf: ({ component }) =>
      component === 'sink.gone' ? { problem: 'no process has sink.gone', isElsewhere: true } : target,
    now: () => 99,
  });
  return { log, box, delivered };
}

async function replay(box: LetterBox, query = every): Promise<Replayed[]> {
  const told: Replayed[] = [];
  await box.replay(
    query,
    (outcome) => {
      told.push(outcome);
      return Promise.resolve();
    },
    never,
  );
  return told;
}

test('a letter leaves when it is delivered and not before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ n: fc.nat(8), taken: fc.boolean(), gone: fc.boolean() }), { maxLength: 20 }),
      fc.boolean(),
      async (letters, dies) => {
        const takes = new Map<string, boolean>();
        const log = letters.map(({ n, taken, gone }) => {
          const each = letter(n, gone ? 'sink.gone' : 'sink.a');
          takes.set(each.id, taken);
          return each;
        });
        const ids = new Set(log.map(({ id }) => id));
        const { box, delivered } = made(
          log,
          ({ id }) => takes.get(id) === true,
          () => dies,
        );
        const told = await replay(box).catch(() => null);
        const left = new Set((await box.list(every)).map(({ id }) => id));
        if (dies && delivered.length > 0) {
          assert.equal(told, null);
          assert.deepEqual(left, ids, 'what was not ended is still there');
          return;
        }
        for (const id of ids) assert.notEqual(left.has(id), delivered.includes(id), id);
        assert.equal(new Set(delivered).size, delivered.length, 'each once, however often it was refused');
        assert.deepEqual(new Set(told?.map(({ id }) => id)), ids);
      },
    ),
  );
});

test('a letter that comes back after its delivery is there again', async () => {
  const { log, box } = made([letter(1)], () => true);
  await replay(box);
  assert.deepEqual(await box.list(every), []);
  log.push(letter(1));
  assert.deepEqual(
    (await box.list(every)).map(({ id }) => id),
    [letter(1).id],
  );
});

test('where and limit: the newest are listed, the oldest delivered', async () => {
  const log = [1, 2, 3, 4, 5].map((n) => letter(n));
  const { box, delivered } = made(log, () => true);
  const where = ({ offset }: DeadLetter): boolean => offset! > 1;
  assert.deepEqual(
    (await box.list({ where, limit: 2 })).map(({ offset }) => offset),
    [4, 5],
  );
  await replay(box, { where, limit: 2 });
  assert.deepEqual(delivered, [letter(2).id, letter(3).id]);
});

test('what only another process can deliver leaves the limit to what this one can', async () => {
  const log = [1, 2, 3, 4].map((n) => letter(n, n <= 3 ? 'sink.gone' : 'sink.a'));
  const { box, delivered } = made(log, () => true);
  const told = await replay(box, { ...every, limit: 2 });
  assert.deepEqual(delivered, [letter(4).id]);
  assert.deepEqual(
    told.map(({ component, isElsewhere }) => [component, isElsewhere]),
    [
      ['sink.gone', true],
      ['sink.gone', true],
      ['sink.a', false],
    ],
  );
});

test('two replays at the same time deliver each letter once', async () => {
  const { box, delivered } = made(
    [1, 2, 3].map((n) => letter(n)),
    () => true,
  );
  await Promise.all([replay(box), replay(box)]);
  assert.equal(delivered.length, 3);
});

test('a target that is down keeps its letters, and says why', async () => {
  const log = [letter(1)];
  const box = letterBox({
    scan: async (visit) => {
      for (const each of log.slice()) await visit(each);
    },
    append: () => assert.fail('nothing was delivered'),
    targetOf: () => ({ deliver: () => Promise.reject(new Error('ECONNREFUSED')) }),
    now: () => 0,
  });
  assert.deepEqual(
    (await replay(box)).map(({ problem }) => problem),
    ['ECONNREFUSED'],
  );
  assert.equal((await box.list(every)).length, 1);
});
