import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kibana } from '../../dashboards/kibana/client.ts';
import { everything, type Place } from '../../dashboards/kibana/place.ts';
import { ndjson } from '../../dashboards/kibana/saved-object.ts';
import { kibanaRequests, type KibanaRequest } from '../../dashboards/kibana/setup.ts';
import type { Config } from '../config/index.ts';
import { safeText } from '../format/text.ts';
import { kibanaPlace, kibanaTenants } from '../wire/kibana.ts';
import { print } from './ask.ts';
import { exit, UsageError, type World } from './command.ts';

export interface SetupKibanaOptions {
  readonly dryRun: boolean;
  /** Directory to write files into, instead of sending them. */
  readonly out: string | null;
  readonly replaceRules: boolean;
}

/** Puts dashboards and rules into the space of all, and into that of each tenant with a sink of its own. */
export async function setupKibana(
  config: Config | null,
  { dryRun, out, replaceRules }: SetupKibanaOptions,
  world: World,
): Promise<number> {
  const places: readonly (readonly [Place, string])[] =
    config === null ? [[everything, 'Weir']] : placesOf(config);
  const plans = places.map(
    ([place, spaceName]) => [place, kibanaRequests(place, { replaceRules, spaceName })] as const,
  );
  if (out !== null) {
    for (const [{ space }, requests] of plans)
      for (const path of write(out, space, requests)) await print(world, `wrote ${path}\n`);
    return exit.fine;
  }
  if (dryRun) {
    for (const [, requests] of plans) for (const request of requests) await print(world, shown(request));
    return exit.fine;
  }
  if (!config?.kibana)
    throw new UsageError(
      `${config?.file ?? 'the configuration'} has no kibana section: give kibana.url, or --out DIR to write files`,
    );
  const far = kibana(config.kibana);
  try {
    await print(world, `Kibana ${await far.version(world.stop)}\n`);
    let refusals = 0;
    for (const [{ space }, requests] of plans)
      for (const request of requests) {
        const { done, refused } = await far.send(request, world.stop);
        await print(world, `  space ${space}: ${request.why}: ${done}\n`);
        for (const each of refused) await print(world, `    refused: ${safeText(each)}\n`);
        refusals += refused.length;
      }
    return refusals === 0 ? exit.fine : exit.partly;
  } finally {
    await far.close();
  }
}

const placesOf = (config: Config): (readonly [Place, string])[] => [
  [kibanaPlace(config, null), 'Weir'],
  ...kibanaTenants(config).map((tenant) => [kibanaPlace(config, tenant), `Weir ${tenant}`] as const),
];

/** Files as Kibana imports them by hand: saved objects, and detection rules. */
function write(directory: string, space: string, requests: readonly KibanaRequest[]): string[] {
  mkdirSync(directory, { recursive: true });
  return requests.flatMap(({ body, reads }) => {
    if (!('lines' in body)) return [];
    const path = join(directory, `${space}${reads === 'rules' ? '.rules' : ''}.ndjson`);
    writeFileSync(path, ndjson(body.lines));
    return [path];
  });
}

function shown({ why, path, body }: KibanaRequest): string {
  const lines =
    'json' in body
      ? [JSON.stringify(body.json)]
      : body.lines.map((line) => {
          const { type, id, attributes, rule_id, name, index } = line as {
            type: string;
            id?: string;
            attributes?: { title: string };
            rule_id?: string;
            name?: string;
            index?: readonly string[];
          };
          return attributes
            ? `${type.padEnd(14)} ${id}  ${attributes.title}`
            : `rule           ${rule_id}  ${name}  (${index?.join(',')})`;
        });
  return `\n# ${why}\nPOST ${path}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
