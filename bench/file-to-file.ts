import { openSync, readSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { create as createFileInput } from '../collector/inputs/file/index.ts';
import { options as fileOptions } from '../collector/inputs/file/options.ts';
import { systemClock } from '../pipeline/clock.ts';
import { noMeter } from '../pipeline/meter.ts';
import { toJson } from '../sinks/records/json.ts';
import type { Flow } from '../schema/records.ts';
import { createDecoderOf } from './decoder-of.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The least that reads JSON lines and writes them again: one buffer, JSON.parse, JSON.stringify. */
export function copyFloor(path: string, dir: string): number {
  const size = 1 << 20;
  const buffer = Buffer.allocUnsafe(2 * size);
  const file = openSync(path, 'r');
  const out = openSync(join(dir, 'floor.jsonl'), 'w');
  let held = 0;
  let lines = 0;
  for (;;) {
    const read = readSync(file, buffer, held, size, null);
    if (read === 0) break;
    const end = held + read;
    let at = 0;
    let text = '';
    for (;;) {
      const stop = buffer.indexOf(10, at);
      if (stop < 0 || stop >= end) break;
      text += `${JSON.stringify(JSON.parse(buffer.toString('latin1', at, stop)))}\n`;
      lines++;
      at = stop + 1;
    }
    writeSync(out, text, null, 'latin1');
    buffer.copyWithin(0, at, end);
    held = end - at;
  }
  closeSync(out);
  closeSync(file);
  return lines;
}

/** The file input, the decoder and the JSON writer, with nothing between them. */
export async function copyFlows(path: string, dir: string): Promise<number> {
  const input = createFileInput(fileOptions.parse({ path }), {
    name: 'bench',
    cluster: 'bench',
    meter: noMeter,
    clock: systemClock,
    log: silent,
    follow: false,
  });
  const decoder = await createDecoderOf('netobserv');
  const { signal } = new AbortController();
  const out = openSync(join(dir, 'flows.jsonl'), 'w');
  let flows = 0;
  let made: Flow[] = [];
  const output = { flow: (flow: Flow) => void made.push(flow), reject() {}, loss() {} };
  await input.start?.(signal);
  for await (const batch of input.read(() => undefined, signal)) {
    for (const line of batch.lines) decoder.decode(line, output);
    flows += made.length;
    if (made.length > 0) writeSync(out, `${made.map((flow) => toJson('flow', flow)).join('\n')}\n`);
    made = [];
  }
  await input.stop?.(signal);
  closeSync(out);
  return flows;
}
