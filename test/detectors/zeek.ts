import { existsSync, readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { source } from '../../collector/zeek_conn/index.ts';
import { options } from '../../collector/zeek_conn/options.ts';
import type { Endpoint, Flow } from '../../schema/records.ts';

/** Beside the repository, in whose root the tests run. */
const DIRECTORY = pathToFileURL(resolve('..', 'shared', 'datasets') + sep);

const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.64\.|169\.254\.|f[cde])/;

export interface Case {
  readonly flows: readonly Flow[];
  /** Label of each flow by its id. */
  readonly labels: ReadonlyMap<string, string>;
}

/** Reads one labelled case as the collector does; null when the data sets are not beside the repository. */
export function readCase(name: string, directory: URL = DIRECTORY): Case | null {
  const log = new URL(`${name}.conn.log.gz`, directory);
  if (!existsSync(log)) return null;
  const labelOfUid = new Map<string, string>();
  for (const line of linesOf(new URL(`${name}.labels.csv.gz`, directory))) {
    const [uid, label] = line.split(',');
    if (uid && label) labelOfUid.set(uid, label);
  }
  const flows: Flow[] = [];
  const labels = new Map<string, string>();
  const decoder = source.decoder(options.parse({}), {
    origin: name,
    place: name,
    cluster: 'default',
    node: null,
    receivedMs: () => Date.now(),
  });
  for (const [position, text] of linesOf(log).entries()) {
    if (text === '') continue;
    decoder.decode(
      { position, text, timeMs: null, node: null, cluster: null },
      {
        flow(flow) {
          flows.push(flow);
          labels.set(flow.id, labelOfUid.get(text.split('\t', 2)[1] ?? '') ?? 'Unknown');
        },
        reject(reject) {
          throw new Error(reject.reason);
        },
        loss() {},
      },
    );
  }
  for (const flow of flows) {
    classify(flow.source);
    classify(flow.destination);
  }
  return { flows, labels };
}

const linesOf = (url: URL): string[] => gunzipSync(readFileSync(url)).toString('utf8').split('\n');

/** What the enricher makes of an address when it has no inventory. */
function classify(endpoint: Endpoint): void {
  const address = endpoint.ip ?? endpoint.hostname ?? '';
  endpoint.kind = PRIVATE.test(address) ? 'private' : 'public';
  endpoint.entity = `ip/${address}`;
}
