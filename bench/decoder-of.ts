import { loadSource } from '../cli/wire/sources.ts';
import { sources } from '../collector/registry.ts';
import type { LineDecoder } from '../pipeline/contracts.ts';
import type { LineFormat } from './lines.ts';

/** A decoder with the options it has when nothing is configured. */
export async function createDecoderOf(format: LineFormat): Promise<LineDecoder> {
  const source = await loadSource(format);
  return source.decoder(sources[format].options.parse({}), {
    origin: 'bench',
    place: 'bench',
    cluster: 'bench',
    node: 'worker-1',
    receivedMs: () => 1_767_225_600_000,
  });
}
