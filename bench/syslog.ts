import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
import { systemClock } from '../pipeline/clock.ts';
import type { Delivery, Sink } from '../pipeline/contracts.ts';
import { noMeter } from '../pipeline/meter.ts';
import type { Flow } from '../schema/records.ts';
import { fromJson, toJson } from '../sinks/records/json.ts';
import { create } from '../sinks/syslog/index.ts';
import { options } from '../sinks/syslog/options.ts';
import { anAlert, delivery } from '../test/sinks/syslog/records.ts';
import { aFlow } from '../test/helpers/flows.ts';
import { measure, type BenchRow } from './measure.ts';

const RECORDS = 50_000;
const BATCH = 500;
const IN_FLIGHT = 64;
const never = new AbortController().signal;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Reads everything and forgets it, in a process of its own so that its CPU is not counted. */
const receiverSource = `
const server = require('node:net').createServer((socket) => socket.on('data', () => {}).on('error', () => {}));
server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
process.stdin.on('end', () => process.exit()).resume();
`;

/**
 * JSON lines to RFC 5424 over TCP, and CEF, against a receiver that reads and forgets. The floor parses the same
 * lines, puts a header and four fields of structured data before them, writes them as JSON again, and keeps
 * nothing to send again.
 */
export async function bench(): Promise<BenchRow[]> {
  const receiver = spawn(process.execPath, ['-e', receiverSource], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(receiver.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const sinks: Sink[] = [];
  const sinkOf = (format: 'json' | 'cef'): Sink => {
    const sink = create(
      options.parse({ to: `tcp://127.0.0.1:${port}`, format, confirmMs: 250, maxUnconfirmedBytes: '256MiB' }),
      { name: 'bench', clock: systemClock, meter: noMeter, log: silent },
    );
    sinks.push(sink);
    return sink;
  };
  try {
    const lines = Array.from({ length: RECORDS }, (_, position) => toJson('flow', wideFlow(position)));
    const records = lines.map((line) => delivery('flow', fromJson('flow', line)));
    const batches = batchesOf(RECORDS);
    const json = sinkOf('json');
    const parsing = { name: 'syslog: JSON lines parsed, framed and written (floor)', unit: 'messages' };
    const framing = { name: 'syslog: records framed as JSON and written (floor)', unit: 'messages' };
    const rows = [
      await measure(parsing, RECORDS, () => forward(port, (n) => JSON.parse(lines[n]!) as Flow)),
      await measure(framing, RECORDS, () => forward(port, (n) => records[n]!.record)),
      await measure(
        { name: 'syslog: records as JSON, confirmed', unit: 'messages', floor: framing.name },
        RECORDS,
        () => all(batches, (from, to) => json.write(records.slice(from, to), never)),
      ),
      // Each line is read into a whole record that is kept until it is confirmed: that, not the sink, is the cost.
      await measure(
        { name: 'syslog: JSON lines read as records, confirmed', unit: 'messages', floor: parsing.name },
        RECORDS,
        () =>
          all(batches, async (from, to) => {
            const items: Delivery[] = [];
            for (let at = from; at < to; at++) items.push(delivery('flow', fromJson('flow', lines[at]!)));
            await json.write(items, never);
          }),
      ),
    ];

    const cef = sinkOf('cef');
    const alerts = Array.from({ length: RECORDS }, (_, n) =>
      delivery('alert', anAlert(`alert-${n}`, 'shop/web tried 40 ports of 10.0.0.9 in 60 s')),
    );
    rows.push(
      await measure({ name: 'syslog: CEF alerts over TCP, confirmed', unit: 'messages' }, RECORDS, () =>
        all(batches, (from, to) => cef.write(alerts.slice(from, to), never)),
      ),
    );
    return rows;
  } finally {
    for (const sink of sinks) await sink.stop?.(never);
    receiver.stdin.end();
    await once(receiver, 'exit');
  }
}

/** About 1 kB of JSON, as an enriched flow has. */
function wideFlow(position: number): Flow {
  const flow = aFlow({ position, from: `10.1.${(position >> 8) & 255}.${position & 255}`, port: 8443 });
  for (const [end, name] of [
    [flow.source, 'web'],
    [flow.destination, 'api'],
  ] as const) {
    end.kind = 'workload';
    end.namespace = `shop-${position % 50}`;
    end.pod = `${name}-6d4cf56db6-x${position % 97}`;
    end.workloadKind = 'Deployment';
    end.workload = name;
    end.entity = `prod/shop-${position % 50}/Deployment/${name}`;
    end.node = `worker-${position % 20}`;
    end.zone = 'eu-1a';
    end.tenant = 'platform';
    end.labels = { app: name, tier: 'backend' };
  }
  flow.sourceBytes = 1234 + position;
  flow.destinationBytes = 4321;
  flow.sourcePackets = 12;
  flow.destinationPackets = 11;
  flow.connectionsStarted = 1;
  return flow;
}

/** The least a forwarder can do: one write a batch, waiting for the socket when it is full. */
async function forward(port: number, record: (n: number) => Flow): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const header = `<166>1 ${new Date().toISOString()} vm weir - flow `;
  for (let from = 0; from < RECORDS; from += BATCH) {
    const out: string[] = [];
    for (let n = from; n < Math.min(RECORDS, from + BATCH); n++) {
      const flow = record(n);
      const data = `[flow@32473 src="${flow.source.ip}" dst="${flow.destination.ip}" dpt="${flow.destination.port}" act="${flow.protocol}"] `;
      out.push(header, data, JSON.stringify(flow), '\n');
    }
    if (!socket.write(out.join(''), 'latin1')) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'close');
}

const batchesOf = (count: number): readonly number[] =>
  Array.from({ length: Math.ceil(count / BATCH) }, (_, n) => n * BATCH);

/** As the runtime drives it. */
async function all(
  batches: readonly number[],
  write: (from: number, to: number) => Promise<void>,
): Promise<void> {
  const queue = [...batches];
  const worker = async (): Promise<void> => {
    for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
      await write(from, Math.min(RECORDS, from + BATCH));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}
