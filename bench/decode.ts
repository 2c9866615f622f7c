import { createDecoderOf } from './decoder-of.ts';
import { lineMaker, ZEEK_HEADER, type LineFormat } from './lines.ts';
import { isQuick, measure, type BenchRow } from './measure.ts';
import type { DecodeOutput, Line } from '../pipeline/contracts.ts';

const LINES = isQuick ? 20_000 : 60_000;
const FORMATS: readonly LineFormat[] = ['netobserv', 'zeek_conn', 'ovn_acl', 'ulogd'];

/** Each format's lines to flows, beside the least that could be done with them: parsing JSON or cutting at tabs. */
export async function bench(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const format of FORMATS) {
    const next = lineMaker(format);
    const header = format === 'zeek_conn' ? ZEEK_HEADER.trimEnd().split('\n') : [];
    const lines: Line[] = [];
    let position = 0;
    const add = (text: string): void => {
      // As a reader has them: flat text, not a rope of pieces.
      const flat = Buffer.from(text).toString('latin1');
      lines.push({ position, text: flat, timeMs: null, node: null, cluster: null });
      position += text.length + 1;
    };
    for (const line of header) add(line);
    for (let i = 0; i < LINES; i++) add(next());
    const isJson = format === 'netobserv' || format === 'ulogd';
    const floor = `decode: ${format} lines ${isJson ? 'parsed' : 'cut'} (floor)`;
    const cut = format === 'zeek_conn' ? '\t' : ',';
    let seen = 0;
    rows.push(
      await measure({ name: floor, unit: 'lines' }, LINES, () => {
        for (const { text } of lines)
          seen += isJson ? Object.keys(JSON.parse(text) as object).length : text.split(cut).length;
      }),
    );
    const counting: DecodeOutput = {
      flow: (flow) => void (seen += flow.position),
      reject({ reason }) {
        throw new Error(`${format}: a line was refused: ${reason}`);
      },
      loss() {},
    };
    rows.push(
      await measure({ name: `decode: ${format}`, unit: 'lines', floor }, LINES, async () => {
        const decoder = await createDecoderOf(format);
        for (const line of lines) decoder.decode(line, counting);
        decoder.atEnd?.(Date.now(), true, counting);
      }),
    );
  }
  return rows;
}
