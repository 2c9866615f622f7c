import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create as createFileInput } from '../collector/inputs/file/index.ts';
import { options as fileOptions } from '../collector/inputs/file/options.ts';
import { systemClock } from '../pipeline/clock.ts';
import type { Delivery, Sink } from '../pipeline/contracts.ts';
import { fileCursors } from '../pipeline/cursors.ts';
import { noMeter } from '../pipeline/meter.ts';
import type { Flow } from '../schema/records.ts';
import { formatNames, type FormatName } from '../sinks/formats/format-options.ts';
import { lineBuffer } from '../sinks/records/line-buffer.ts';
import { encoder } from '../sinks/syslog/encode.ts';
import { addFrame } from '../sinks/syslog/frame.ts';
import { create } from '../sinks/syslog/index.ts';
import { options } from '../sinks/syslog/options.ts';
import { authority } from '../test/services/certificates.ts';
import { anAlert, delivery } from '../test/sinks/syslog/records.ts';
import { aFlow } from '../test/helpers/flows.ts';
import { createDecoderOf } from './decoder-of.ts';
import { writeLines } from './lines.ts';
import { measure, measureTogether, type BenchRow } from './measure.ts';

const RECORDS = 50_000;
const BATCH = 500;
const IN_FLIGHT = 64;
const never = new AbortController().signal;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Reads everything and forgets it, in a process of its own so that its CPU is not counted. */
const receiverSource = `
const { readFileSync } = require('node:fs');
const forget = (socket) => socket.on('data', () => {}).on('error', () => {});
const [cert, key] = process.argv.slice(1).map((path) => readFileSync(path));
const servers = [require('node:net').createServer(forget), require('node:tls').createServer({ cert, key }, forget)];
let ports = [];
servers.forEach((server, i) => server.listen(0, '127.0.0.1', () => {
  ports[i] = server.address().port;
  if (ports[0] && ports[1]) process.stdout.write(JSON.stringify(ports) + '\\n');
}));
process.stdin.on('end', () => process.exit()).resume();
`;

/**
 * JSON lines to RFC 5424 over TCP, CEF over TCP and TLS, against a receiver that reads and forgets, and the encoder
 * of each format. The floor reads and parses the same lines, puts a header and four fields of structured data before
 * them, writes them as JSON again, and keeps neither a cursor nor anything to send again.
 */
export async function bench(): Promise<BenchRow[]> {
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-syslog-'));
  const authorities = await authority(join(dir, 'certificates'));
  const { cert, key } = await authorities.sign('server', { commonName: 'siem.bench' });
  const receiver = spawn(process.execPath, ['-e', receiverSource, cert, key], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(receiver.stdout, 'data')) as [Buffer];
  const [port, tlsPort] = JSON.parse(line.toString()) as [number, number];
  const sinks: Sink[] = [];
  const sinkOf = (format: 'json' | 'cef', to = `tcp://127.0.0.1:${port}`): Sink => {
    const sink = create(
      options.parse({
        to,
        format,
        confirmMs: 250,
        maxUnconfirmedBytes: '256MiB',
        tls: { ca: `file:${authorities.ca}` },
      }),
      { name: 'bench', clock: systemClock, meter: noMeter, log: silent },
    );
    sinks.push(sink);
    return sink;
  };
  const path = join(dir, 'netobserv.jsonl');
  try {
    writeLines(path, 'netobserv', RECORDS);
    const batches = batchesOf(RECORDS);
    const json = sinkOf('json');
    const reading = 'syslog: JSON lines read, parsed, framed and written (floor)';
    const framing = 'syslog: records framed as JSON and written (floor)';
    const rows = await measureTogether(
      [
        { name: reading, run: () => forward(port, readLines(path)) },
        {
          name: 'syslog: NetObserv lines to flows, confirmed, cursor saved',
          floor: reading,
          run: () => forwardFile(path, json, join(dir, 'cursors.json')),
        },
      ],
      'messages',
      RECORDS,
    );

    // Not before: a heap full of records that stay makes those that come and go dearer.
    const records = Array.from({ length: RECORDS }, (_, position) => delivery('flow', wideFlow(position)));
    rows.push(
      ...(await measureTogether(
        [
          {
            name: framing,
            run: () =>
              forward(
                port,
                records.map(({ record }) => record),
              ),
          },
          {
            name: 'syslog: records as JSON, confirmed',
            floor: framing,
            run: () => all(batches, (from, to) => json.write(records.slice(from, to), never)),
          },
        ],
        'messages',
        RECORDS,
      )),
    );

    const alerts = Array.from({ length: RECORDS }, (_, n) =>
      delivery('alert', anAlert(`alert-${n}`, 'shop/web tried 40 ports of 10.0.0.9 in 60 s')),
    );
    for (const [name, cef] of [
      ['syslog: CEF alerts over TCP, confirmed', sinkOf('cef')],
      ['syslog: CEF alerts over TLS, confirmed', sinkOf('cef', `tls://127.0.0.1:${tlsPort}`)],
    ] as const)
      rows.push(
        await measure({ name, unit: 'messages' }, RECORDS, () =>
          all(batches, (from, to) => cef.write(alerts.slice(from, to), never)),
        ),
      );
    for (const [what, items] of [
      ['alerts', alerts],
      ['flows', records],
    ] as const)
      for (const format of formatNames) {
        const name = `syslog: ${what} encoded and framed, ${format}`;
        rows.push(await measure({ name, unit: 'messages' }, RECORDS, () => encodeAll(format, items)));
      }
    return rows;
  } finally {
    for (const sink of sinks) await sink.stop?.(never);
    rmSync(dir, { recursive: true, force: true });
    receiver.stdin.end();
    await once(receiver, 'exit');
  }
}

/** Messages with their frames in memory, sent nowhere. */
function encodeAll(format: FormatName, items: readonly Delivery[]): void {
  const encode = encoder({ options: options.parse({ to: 'tcp://localhost', format }), version: '1.0.0' });
  const lines = lineBuffer();
  for (const [i, item] of items.entries()) {
    if (i % BATCH === 0) lines.clear();
    addFrame(lines, encode(item, false, 8096), 'octet', 0);
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
async function forward(port: number, records: Iterable<unknown>): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const header = `<166>1 ${new Date().toISOString()} vm weir - flow `;
  let out: string[] = [];
  const flush = async (): Promise<void> => {
    const text = out.join('');
    out = [];
    if (!socket.write(text, 'latin1')) await once(socket, 'drain');
  };
  for (const record of records) {
    const { SrcAddr, DstAddr, DstPort, Proto } = record as Readonly<Record<string, string>>;
    const data = `[flow@32473 src="${SrcAddr}" dst="${DstAddr}" dpt="${DstPort}" act="${Proto}"] `;
    out.push(`${header}${data}${JSON.stringify(record)}\n`);
    if (out.length === BATCH) await flush();
  }
  await flush();
  socket.end();
  await once(socket, 'close');
}

/** The lines of a file, parsed. */
function* readLines(path: string): Generator {
  const size = 1 << 20;
  const buffer = Buffer.allocUnsafe(2 * size);
  const file = openSync(path, 'r');
  for (let held = 0; ;) {
    const end = held + readSync(file, buffer, held, size, null);
    if (end === held) break;
    let at = 0;
    for (let stop = buffer.indexOf(10, at); stop >= 0 && stop < end; stop = buffer.indexOf(10, at)) {
      yield JSON.parse(buffer.toString('latin1', at, stop));
      at = stop + 1;
    }
    buffer.copyWithin(0, at, end);
    held = end - at;
  }
  closeSync(file);
}

/**
 * What Weir does without a log between: a line becomes a flow, and its cursor is saved when the receiver has it and
 * all before it. What is settled while one save is under way is saved by the next.
 */
async function forwardFile(path: string, sink: Sink, cursorPath: string): Promise<void> {
  rmSync(cursorPath, { force: true });
  const cursors = await fileCursors(cursorPath, { ttlMs: 86_400_000, max: 100 });
  const input = createFileInput(fileOptions.parse({ path, startAt: 'beginning' }), {
    name: 'bench',
    cluster: 'bench',
    meter: noMeter,
    clock: systemClock,
    log: silent,
    follow: false,
  });
  const decoder = await createDecoderOf('netobserv');
  const waiting: Promise<void>[] = [];
  const saved: Promise<void>[] = [];
  let settled = Promise.resolve();
  let items: Delivery[] = [];
  const output = { flow: (flow: Flow) => void items.push(delivery('flow', flow)), reject() {}, loss() {} };
  for await (const batch of input.read((origin) => cursors.get(origin), never)) {
    for (const line of batch.lines) decoder.decode(line, output);
    const written: Promise<void>[] = [];
    for (let from = 0; from < items.length; from += BATCH) {
      const some = items.slice(from, from + BATCH);
      if (waiting.length >= IN_FLIGHT) await waiting.shift();
      const write = sink.write(some, never);
      waiting.push(write);
      written.push(write);
    }
    items = [];
    // What waits for the receiver holds the place, not the lines.
    const { origin, next } = batch;
    settled = Promise.all([settled, ...written]).then(() => {
      cursors.set(origin, { position: next }, systemClock.now());
      saved.push(cursors.save(systemClock.now()));
    });
  }
  await settled;
  await Promise.all(saved);
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
