import { existsSync, readFileSync } from 'node:fs';
import { sources, type SourceName } from '../../collector/registry.ts';
import type {
  DecodeOutput,
  Line,
  LineDecoder,
  OriginContext,
  Reject,
  SourceType,
} from '../../pipeline/contracts.ts';
import type { Flow, Loss } from '../../schema/records.ts';

export interface Decoded extends DecodeOutput {
  readonly flows: Flow[];
  readonly rejects: Reject[];
  readonly losses: Loss[];
  readonly skipped: string[];
}

export function collecting(): Decoded {
  const flows: Flow[] = [];
  const rejects: Reject[] = [];
  const losses: Loss[] = [];
  const skipped: string[] = [];
  return {
    flows,
    rejects,
    losses,
    skipped,
    flow: (flow) => void flows.push(flow),
    reject: (reject) => void rejects.push(reject),
    loss: (loss) => void losses.push(loss),
    skip: (reason) => void skipped.push(reason),
  };
}

/** The text as lines at the byte offsets they would have in a file. */
export function linesOf(texts: readonly string[], from = 0, said: Partial<Line> = {}): Line[] {
  let position = from;
  return texts.map((text) => {
    const line = { position, text, timeMs: null, node: null, cluster: null, ...said };
    position += Buffer.byteLength(text) + 1;
    return line;
  });
}

/** A decoder of the type as configured, for an origin of its own. */
export async function decoderOf(
  name: SourceName,
  options: object = {},
  context: Partial<OriginContext> = {},
): Promise<LineDecoder> {
  const entry = sources[name];
  const { source } = (await entry.load()) as { source: SourceType };
  return source.decoder(entry.options.parse(options), {
    origin: 'origin',
    place: 'x.log',
    cluster: 'test',
    node: null,
    receivedMs: () => 1_800_000_000_000,
    ...context,
  });
}

export interface Run {
  readonly options?: object;
  readonly context?: Partial<OriginContext>;
  readonly said?: Partial<Line>;
  /** Leaves the origin open: nothing is closed by its end. */
  readonly open?: boolean;
}

export async function decodeAll(name: SourceName, texts: readonly string[], run: Run = {}): Promise<Decoded> {
  const decoder = await decoderOf(name, run.options, run.context);
  const out = collecting();
  for (const line of linesOf(texts, 0, run.said)) decoder.decode(line, out);
  if (run.open !== true) decoder.atEnd?.(0, true, out);
  return out;
}

/** Lines of a shared sample; none where it is not there. */
export function sample(name: string): string[] {
  const path = `../shared/samples/${name}`;
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}
