/**
 * Guide 1. A source reads lines; its decoder turns each line into a flow, or says why it cannot.
 * Next: 02, where flows become alerts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sources } from '../../collector/registry.ts';
import type { SourceType } from '../../pipeline/contracts.ts';
import type { Flow, Loss } from '../../schema/records.ts';
import type { Reject } from '../../pipeline/contracts.ts';

const line = JSON.stringify({
  SrcAddr: '10.128.0.5',
  SrcPort: 40_112,
  DstAddr: '10.128.0.9',
  DstPort: 5432,
  Proto: 6,
  Bytes: 74,
  Packets: 1,
  SrcK8S_Namespace: 'shop',
  SrcK8S_Name: 'cart-6c9f-x2x',
  SrcK8S_Type: 'Pod',
  TimeFlowStartMs: 1_700_000_000_000,
  TimeFlowEndMs: 1_700_000_000_900,
});

async function decodeNetobserv(texts: readonly string[]): Promise<{ flows: Flow[]; rejects: Reject[] }> {
  // Every source type is one entry of a plain object: its options, and how to load its code.
  const { options, load } = sources.netobserv;
  const { source } = (await load()) as { source: SourceType };
  const decoder = source.decoder(options.parse({}), {
    origin: 'a-file',
    place: '/var/log/flows.jsonl',
    cluster: 'prod',
    node: null,
    receivedMs: () => 1_700_000_060_000,
  });
  const flows: Flow[] = [];
  const rejects: Reject[] = [];
  const losses: Loss[] = [];
  const out = {
    flow: (flow: Flow) => void flows.push(flow),
    reject: (reject: Reject) => void rejects.push(reject),
    loss: (loss: Loss) => void losses.push(loss),
  };
  texts.forEach((text, i) =>
    decoder.decode({ position: i * 1000, text, timeMs: null, node: null, cluster: null }, out),
  );
  decoder.atEnd?.(1_700_000_060_000, true, out);
  return { flows, rejects };
}

test('one line gives one flow, with both ends and the times the line tells', async () => {
  const { flows } = await decodeNetobserv([line]);
  assert.equal(flows.length, 1);
  const [flow] = flows;
  assert.equal(flow!.source.ip, '10.128.0.5');
  assert.equal(flow!.source.pod, 'cart-6c9f-x2x');
  assert.equal(flow!.destination.port, 5432);
  assert.deepEqual([flow!.startMs, flow!.endMs], [1_700_000_000_000, 1_700_000_000_900]);
});

test('what a line does not tell is null: nothing is guessed', async () => {
  const { flows } = await decodeNetobserv([line]);
  assert.equal(flows[0]!.destination.pod, null);
  assert.equal(flows[0]!.connectionsStarted, null);
});

test('the same line at the same place has the same id, however often it is read', async () => {
  const once = await decodeNetobserv([line, line]);
  const again = await decodeNetobserv([line, line]);
  assert.deepEqual(
    again.flows.map(({ id }) => id),
    once.flows.map(({ id }) => id),
  );
  assert.notEqual(once.flows[0]!.id, once.flows[1]!.id, 'two places are two flows');
});

test('a line that is no flow is rejected with where, what was expected and what was found', async () => {
  const { flows, rejects } = await decodeNetobserv([line, '{"SrcAddr": ', line]);
  assert.equal(flows.length, 2, 'the others are not held up');
  assert.equal(rejects[0]!.code, 'line_malformed');
  assert.match(rejects[0]!.reason, /flows\.jsonl, position 1000: expected .*found/);
});
