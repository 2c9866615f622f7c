import { codecOf, flowHead } from '../schema/codec.ts';
import type { Endpoint } from '../schema/records.ts';
import { clusterFlows } from './flows.ts';
import { isQuick, measure, type BenchRow } from './measure.ts';

const FLOWS = isQuick ? 20_000 : 60_000;

/** Flows to Avro and back, beside JSON both ways. */
export async function bench(): Promise<BenchRow[]> {
  const flows = clusterFlows()(0, FLOWS);
  const codec = codecOf('flow');
  const buffer = Buffer.allocUnsafe(1 << 16);
  const bytes = flows.map((flow) => codec.encode(flow));
  const texts = flows.map((flow) => JSON.stringify(flow));
  const frame = spans(bytes);
  const fresh = spans(
    flows.map((flow, i) =>
      codec.encode({ ...flow, source: renamed(flow.source, i), destination: renamed(flow.destination, -i) }),
    ),
  );
  let seen = 0;
  const writeFloor = 'avro: JSON.stringify of flows (floor)';
  const readFloor = 'avro: JSON.parse of flows (floor)';
  const each = (name: string, work: (i: number) => number, floor?: string): Promise<BenchRow> =>
    measure({ name, unit: 'flows', ...(floor ? { floor } : {}) }, FLOWS, () => {
      for (let i = 0; i < FLOWS; i++) seen += work(i);
    });
  return [
    await each(writeFloor, (i) => JSON.stringify(flows[i]).length),
    await each(
      'avro: encode into a reused buffer',
      (i) => codec.encodeInto(buffer, 0, flows[i]!),
      writeFloor,
    ),
    await each('avro: encode to a copy', (i) => codec.encode(flows[i]!).length, writeFloor),
    await each(readFloor, (i) => (JSON.parse(texts[i]!) as { position: number }).position),
    await each('avro: decode', (i) => codec.decode(bytes[i]!).position, readFloor),
    await each('avro: decode from a frame', (i) => codec.decodeSpan(...frame(i)).position, readFloor),
    await each(
      'avro: decode from a frame, no endpoint twice',
      (i) => codec.decodeSpan(...fresh(i)).position,
      readFloor,
    ),
    await each('avro: head of a flow in a frame', (i) => flowHead(...frame(i)).position, readFloor),
  ];
}

/** All of them one after another, as a frame of the log has them, and where each lies. */
function spans(parts: readonly Buffer[]): (i: number) => [Buffer, number, number] {
  const whole = Buffer.concat(parts);
  const ends: number[] = [];
  let end = 0;
  for (const part of parts) ends.push((end += part.length));
  return (i) => [whole, i === 0 ? 0 : ends[i - 1]!, ends[i]!];
}

const renamed = (endpoint: Endpoint, i: number): Endpoint => ({
  ...endpoint,
  ip: `${endpoint.ip}.${i}`,
  pod: endpoint.pod && `${endpoint.pod}${i}`,
});
