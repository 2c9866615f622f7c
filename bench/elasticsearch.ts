import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from '@elastic/elasticsearch';
import { systemClock } from '../pipeline/clock.ts';
import type { Delivery } from '../pipeline/contracts.ts';
import { noMeter } from '../pipeline/meter.ts';
import { sendBulk } from '../sinks/bulk/send.ts';
import { pace } from '../sinks/bulk/pace.ts';
import { farOf } from '../sinks/elasticsearch/client.ts';
import { create } from '../sinks/elasticsearch/index.ts';
import { operationsOf } from '../sinks/bulk/operations.ts';
import { options } from '../sinks/elasticsearch/options.ts';
import { anyJson, toJson } from '../sinks/records/json.ts';
import { clusterFlows } from './flows.ts';
import { measure, type BenchRow } from './measure.ts';

const RECORDS = 40_000;
const BATCH = 2000;
const never = new AbortController().signal;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Takes any bulk request and says that all of it was created, in a process of its own so that its CPU is not counted. */
const nullServer = `
const replies = new Map();
const reply = (n) => {
  if (!replies.has(n)) replies.set(n, Buffer.from('{"errors":false,"items":[' + Array(n).fill('{"create":{"status":201}}').join() + ']}'));
  return replies.get(n);
};
const server = require('node:http').createServer((request, response) => {
  let feeds = 0;
  request.on('data', (chunk) => { for (let i = chunk.indexOf(10); i >= 0; i = chunk.indexOf(10, i + 1)) feeds++; });
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/vnd.elasticsearch+json;compatible-with=8', 'x-elastic-product': 'Elasticsearch' });
    response.end(reply(feeds / 2));
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
process.stdin.on('end', () => process.exit()).resume();
`;

/**
 * Flows to Elasticsearch against a server that takes everything: the sink beside the client's own \`bulk\` given
 * the same bodies ready made; and the JSON form of flows beside JSON.stringify.
 */
export async function bench(): Promise<BenchRow[]> {
  const server = spawn(process.execPath, ['-e', nullServer], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const nodes = `http://127.0.0.1:${Number(line.toString())}`;
  const client = new Client({ node: nodes, maxRetries: 0 });
  const sink = create(options.parse({ nodes }), {
    name: 'bench',
    cluster: 'bench',
    clock: systemClock,
    meter: noMeter,
    log: silent,
  });
  try {
    const flows = clusterFlows()(0, RECORDS);
    const items: Delivery[] = flows.map((record, offset) => ({
      kind: 'flow',
      record,
      topic: 'enriched',
      partition: 0,
      offset,
      bytes: null,
    }));
    const batches = Array.from({ length: RECORDS / BATCH }, (_, i) =>
      items.slice(i * BATCH, (i + 1) * BATCH),
    );
    const layout = { layout: 'data_stream', namespace: 'default', stateSuffix: '' } as const;
    const makeOperations = operationsOf(layout);
    const refuse = (): void => {};

    const documents = { name: 'elasticsearch: flow to document', unit: 'flows' };
    const rows = [
      await measure(documents, RECORDS, () => {
        for (const batch of batches) makeOperations(batch, refuse);
      }),
    ];
    const ready = batches.map((batch) =>
      makeOperations(batch, refuse).flatMap(({ lines }) => lines.slice(0, -1).split('\n')),
    );
    const raw = { name: 'elasticsearch: client.bulk of ready bodies (floor)', unit: 'flows' };
    rows.push(
      await measure(raw, RECORDS, async () => {
        for (const lines of ready) await client.bulk({ operations: lines });
      }),
    );
    const far = farOf(client);
    const limit = pace({ maxRequests: 8, maxBytes: 5_000_000 }, systemClock);
    const operations = batches.map((batch) => makeOperations(batch, refuse));
    const sent = { name: 'elasticsearch: the same bodies sent and judged', unit: 'flows', floor: raw.name };
    rows.push(
      await measure(sent, RECORDS, async () => {
        for (const batch of operations) await sendBulk(far, batch, limit, never);
      }),
    );
    rows.push(
      await measure({ name: 'elasticsearch: sink, flow to reply', unit: 'flows' }, RECORDS, async () => {
        for (const batch of batches) await sink.write(batch, never);
      }),
    );

    const stringify = { name: 'records: JSON.stringify of flows (floor)', unit: 'flows' };
    rows.push(await measure(stringify, RECORDS, () => total(flows, (flow) => JSON.stringify(flow))));
    const writer = { name: 'records: JSON form of flows', unit: 'flows', floor: stringify.name };
    rows.push(await measure(writer, RECORDS, () => total(flows, (flow) => toJson('flow', flow))));
    rows.push(
      await measure({ ...writer, name: 'records: JSON form by the generic writer' }, RECORDS, () =>
        total(flows, anyJson),
      ),
    );
    return rows;
  } finally {
    await sink.stop?.(never);
    await client.close();
    server.stdin.end();
    await once(server, 'exit');
  }
}

/** Bytes of all texts: turns each into the flat string that writing it would need. */
function total<T>(values: readonly T[], write: (value: T) => string): number {
  let bytes = 0;
  for (const value of values) bytes += Buffer.byteLength(write(value));
  return bytes;
}
