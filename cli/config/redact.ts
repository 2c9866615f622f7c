import { stringify } from 'yaml';
import type { Config } from './config.ts';
import { isFields } from './component.ts';
import type { Path } from './problems.ts';
import { pathKey } from './references.ts';
import type { Registries } from './schema.ts';
import { isSecret } from './secret-paths.ts';

export const redacted = '<redacted>';

/** Often taken from the environment and never secret; `weir config show` would be of little use without them. */
const plain = new Set([['cluster'], ['node'], ['state', 'dir']].map(pathKey));

/** The effective configuration in the shape of the file, with every secret replaced. */
export function redact(
  config: Config,
  file: unknown,
  secrets: ReadonlySet<string>,
  registries: Registries,
): Record<string, unknown> {
  const effective: Record<string, unknown> = {
    version: 1,
    cluster: config.cluster,
    node: config.node,
    state: config.state,
    lanes: config.lanes,
    kafka: config.kafka,
    ...config.enricher,
    sources: byName(config.sources, ({ type, input, cluster, node, disorderMs, options }) => ({
      type,
      from: { [input.type]: input.options },
      cluster,
      node,
      ...(disorderMs === null ? {} : { disorder: disorderMs }),
      ...fieldsOf(options),
    })),
    detectors: {
      ...Object.fromEntries(Object.keys(registries.detectors).map((name) => [name, { enabled: false }])),
      ...byName(config.detectors, ({ where, options }) => ({
        enabled: true,
        ...(where === null ? {} : { where }),
        ...fieldsOf(options),
      })),
    },
    rules: config.rules.keys,
    suppressions: config.suppressions.map(({ untilMs, ...rest }) => ({
      ...rest,
      until: new Date(untilMs - 1).toISOString(),
    })),
    incidents: config.incidents,
    sinks: byName(config.sinks, ({ type, records, tenant, options }) => ({
      type,
      records: Object.fromEntries(
        Object.entries(records).map(([kind, { where }]) => [kind, where === null ? {} : { where }]),
      ),
      tenant,
      ...fieldsOf(options),
    })),
    kibana: config.kibana,
    log: config.log,
    listen: config.listen,
    watermarks: config.watermarks,
    notifyMaxAge: config.notifyMaxAgeMs,
  };
  const hides = (path: Path): boolean =>
    (secrets.has(pathKey(path)) && !plain.has(pathKey(path))) || isSecret(file, path, registries);
  const walk = (part: unknown, path: Path): unknown => {
    if (part === null || part === undefined) return part;
    // A mapping under a secret's name, such as `key: {…}`, is looked into; a text or list there is hidden whole.
    if (!isFields(part) && hides(path)) return redacted;
    if (Array.isArray(part)) return part.map((item, index) => walk(item, [...path, index]));
    if (isFields(part)) {
      return Object.fromEntries(
        Object.entries(part).flatMap(([key, item]) =>
          item === null || item === undefined ? [] : [[key, walk(item, [...path, key])]],
        ),
      );
    }
    return typeof part === 'string' ? withoutCredentials(part) : part;
  };
  return walk(effective, []) as Record<string, unknown>;
}

/** Every text of the file that is a secret, so that a log can be kept free of it. Short ones are words by chance. */
export function secretValues(file: unknown, secrets: ReadonlySet<string>, registries: Registries): string[] {
  const found = new Set<string>();
  const walk = (part: unknown, path: Path): void => {
    if (Array.isArray(part)) part.forEach((item, index) => walk(item, [...path, index]));
    else if (isFields(part)) for (const [key, item] of Object.entries(part)) walk(item, [...path, key]);
    else if (
      typeof part === 'string' &&
      part.length >= 4 &&
      !part.startsWith('file:') &&
      !plain.has(pathKey(path))
    ) {
      if (secrets.has(pathKey(path)) || isSecret(file, path, registries)) found.add(part);
    }
  };
  walk(file, []);
  return [...found];
}

/** `https://user:secret@host` without what stands before the `@`. */
const withoutCredentials = (text: string): string =>
  text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/i, `$1${redacted}@`);

const fieldsOf = (options: unknown): Record<string, unknown> => (isFields(options) ? options : {});

const byName = <T extends { name: string }>(
  items: readonly T[],
  show: (item: T) => object,
): Record<string, object> => Object.fromEntries(items.map((item) => [item.name, show(item)]));

/** What `weir config show` prints. */
export const configYaml = (config: Config): string => stringify(config.shown, { lineWidth: 0 });
