import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Delivery } from '../../pipeline/contracts.ts';
import { codecOf } from '../../schema/codec.ts';
import { flowIds } from '../../schema/ids.ts';
import { newEndpoint, newFlow, type Flow, type RecordKind, type RecordTypes } from '../../schema/records.ts';
import { openStore, type Options, type Store } from '../../store/index.ts';

export function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'weir-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function testStore(t: TestContext, options: Partial<Options> & { dir: string }): Promise<Store> {
  const store = await openStore({ commitMs: 20, reserveBytes: 0, threads: 1, ...options });
  t.after(() => store.close());
  return store;
}

/** Deliveries of one partition, from `offset` on, with the bytes a log would hold. */
export function deliveries<K extends RecordKind>(
  kind: K,
  records: readonly RecordTypes[K][],
  { offset = 0, partition = 0, topic = 'enriched', withBytes = true } = {},
): Delivery[] {
  const codec = codecOf(kind);
  return records.map((record, i) => ({
    kind,
    record,
    topic,
    partition,
    offset: offset + i,
    bytes: withBytes ? codec.encode(record) : null,
  }));
}

const idAt = flowIds({ cluster: 'default', node: 'n1', collector: 'ovn_acl', origin: 'file:x' });

/** Plain flows whose ids are as the decoders make them, one a second from `fromMs`. */
export function plainFlows(count: number, fromMs: number, from = 0): Flow[] {
  return Array.from({ length: count }, (_, i) => {
    const position = from + i;
    const source = newEndpoint();
    source.ip = `10.0.${(position >> 8) & 255}.${position & 255}`;
    source.port = 1024 + (position % 60000);
    source.namespace = position % 2 ? 'shop' : 'pay';
    source.pod = `web-${position % 7}`;
    const destination = newEndpoint();
    destination.ip = 'fd00::1';
    destination.port = 443;
    const flow = newFlow({
      id: idAt(position),
      origin: 'file:x',
      position,
      cluster: 'default',
      collector: 'ovn_acl',
      startMs: fromMs + i * 1000 - 500,
      endMs: fromMs + i * 1000,
      receivedMs: fromMs + i * 1000 + 7,
      source,
      destination,
    });
    flow.node = 'n1';
    flow.verdict = position % 3 ? 'allow' : 'deny';
    flow.protocol = 6;
    return flow;
  });
}

export async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

export const ALL = { fromMs: null, toMs: null };
