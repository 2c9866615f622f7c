import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Input, LineBatch } from '../../pipeline/contracts.ts';
import { checkBatches, readAll, type Seen } from './fileContract.ts';

/** An origin that holds lines and does not grow. */
export interface HeldOrigin {
  /** An input of its own over the origin, not yet started, that ends with it. */
  open(): Input;
}

export interface SourceContractOptions {
  /** Name of the input, for the names of the tests. */
  readonly name: string;
  /** Lines to hold; no two may be equal. */
  readonly lines: readonly string[];
  /** Null when the test was skipped. Cleans up by `t.after`. */
  readonly holding: (t: TestContext, lines: readonly string[]) => Promise<HeldOrigin | null>;
}

const never = new AbortController().signal;

const textsOf = (seen: Seen): string[] => seen.batches.flatMap(({ lines }) => lines.map(({ text }) => text));

const positionsOf = (batches: readonly LineBatch[]): number[] =>
  batches.flatMap(({ lines }) => lines.map(({ position }) => position));

/** What every input promises (pipeline/contracts.ts, `Input`), whatever it reads. */
export function sourceContract({ name, lines, holding }: SourceContractOptions): void {
  test(`${name}: every line once and in order, at positions that increase, then the origin is final`, async (t) => {
    const origin = await holding(t, lines);
    if (!origin) return;
    const seen = await readAll(origin.open());
    assert.deepEqual(textsOf(seen), lines);
    checkBatches(seen.batches);
    const positions = positionsOf(seen.batches);
    assert.ok(positions.every((position, i) => i === 0 || position > positions[i - 1]!));
    assert.equal(seen.batches.filter(({ final }) => final).length, 1);
    assert.equal(new Set(seen.batches.map((batch) => batch.origin)).size, 1);
    assert.ok(seen.batches.every(({ place }) => place.length > 0));
  });

  test(`${name}: read again, every line has the same origin and position`, async (t) => {
    const origin = await holding(t, lines);
    if (!origin) return;
    assert.deepEqual((await readAll(origin.open())).lines, (await readAll(origin.open())).lines);
  });

  test(`${name}: from a cursor at any line, and at the end of any batch, the rest is the same`, async (t) => {
    const origin = await holding(t, lines);
    if (!origin) return;
    const all = await readAll(origin.open());
    const name = all.batches[0]!.origin;
    const positions = positionsOf(all.batches);
    const last = lines.length - 1;
    const cursors = [
      ...[0, 1, Math.floor(lines.length / 2), last].map((index) => positions[index]!),
      ...all.batches.slice(0, 5).map(({ next }) => next),
      all.batches.at(-1)!.next,
    ];
    for (const position of new Set(cursors)) {
      const rest = await readAll(origin.open(), (asked) => (asked === name ? { position } : undefined));
      const expected = all.lines.filter((_, i) => positions[i]! >= position);
      assert.deepEqual(rest.lines, expected, `from position ${position}`);
    }
  });

  test(`${name}: told to stop, it ends without an error, and stop is idempotent and needs no start`, async (t) => {
    const origin = await holding(t, lines);
    if (!origin) return;
    const unused = origin.open();
    await unused.stop?.(never);
    await unused.stop?.(never);
    const input = origin.open();
    await input.start?.(never);
    const stop = new AbortController();
    const texts: string[] = [];
    for await (const batch of input.read(() => undefined, stop.signal)) {
      texts.push(...batch.lines.map(({ text }) => text));
      stop.abort();
    }
    assert.deepEqual(texts, lines.slice(0, texts.length));
    await input.stop?.(never);
    await input.stop?.(never);
  });
}
