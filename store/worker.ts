import { workerData } from 'node:worker_threads';
import { answerCalls } from '../pipeline/thread.ts';
import { codecOf } from '../schema/codec.ts';
import type { Flow } from '../schema/records.ts';
import { createEngine } from './engine.ts';
import type { Methods, Page } from './messages.ts';
import type { Options } from './options.ts';
import { countFlows, footer, searchEvents, searchFlows } from './reader.ts';

/** The thread that alone owns the files. Calls are answered when done; pages are made as they are asked for. */
const engine = createEngine(workerData as Options);
const searches = new Map<number, AsyncGenerator<Flow[]>>();
let lastSearch = 0;

const { free } = answerCalls<Methods>({
  open: () => engine.open(),
  write: (packed) => engine.write(packed, () => free(packed.bytes.buffer)),
  search(request) {
    searches.set(++lastSearch, searchFlows(engine, request));
    return lastSearch;
  },
  async page(search) {
    const next = await searches.get(search)?.next();
    if (!next || next.done) {
      searches.delete(search);
      return null;
    }
    return joined(
      'flow',
      next.value.map((flow) => codecOf('flow').encode(flow)),
    );
  },
  async endSearch(search) {
    const pages = searches.get(search);
    searches.delete(search);
    await pages?.return(undefined);
  },
  count: (request) => countFlows(engine, request),
  footer: (range) => footer(engine, range),
  events: async (request) => joined(request.kind, await searchEvents(engine, request)),
  stats: () => engine.stats(),
  roll: () => engine.roll(),
  retain: () => engine.retain(),
  async close() {
    for (const pages of searches.values()) await pages.return(undefined);
    searches.clear();
    await engine.close();
  },
});

function joined(kind: Page['kind'], bodies: readonly Uint8Array[]): Page {
  const ends = new Uint32Array(bodies.length);
  let total = 0;
  for (const [i, body] of bodies.entries()) ends[i] = total += body.length;
  const bytes = new Uint8Array(total);
  for (const [i, body] of bodies.entries()) bytes.set(body, i === 0 ? 0 : ends[i - 1]);
  return { kind, bytes, ends };
}
