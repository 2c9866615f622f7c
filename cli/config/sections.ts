/** Checks the sections of a configuration that hold named components: sources, detectors, sinks. */
import type { z } from 'zod';
import { compileQuery } from '../../query/index.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { DetectorConfig, SinkConfig, SourceConfig } from './config.ts';
import type { SinkKind } from '../../sinks/base-options.ts';
import { isFields, parseComponent } from './component.ts';
import { unknownKey } from './explain.ts';
import { shown, type Path, type Problem } from './problems.ts';
import { detectorKeys, nameForm, namePattern, sinkKeys, sourceKeys, type Registries } from './schema.ts';

type Fields = Readonly<Record<string, unknown>>;
type Report = (problem: Problem) => void;

/** The mapping at a key of the file; an absent or empty one has no entries. */
function entriesOf(section: string, value: unknown, report: Report): [string, Fields][] {
  if (value === undefined || value === null) return [];
  if (!isFields(value)) {
    report({ path: [section], message: `found ${shown(value)}, expected a mapping of names` });
    return [];
  }
  return Object.entries(value).flatMap(([name, item]): [string, Fields][] => {
    if (!namePattern.test(name)) {
      report({
        path: [section, name],
        message: `found the name '${name}', expected ${nameForm}`,
        atKey: true,
      });
      return [];
    }
    if (item === null) return [[name, {}]];
    if (isFields(item)) return [[name, item]];
    report({ path: [section, name], message: `found ${shown(item)}, expected a mapping` });
    return [];
  });
}

/** The registry's entry a `type` names; null, and a problem, when there is none. */
function entryOf<E>(
  registry: Readonly<Record<string, E>>,
  value: Fields,
  at: Path,
  report: Report,
): E | null {
  const { type } = value;
  const known = Object.keys(registry);
  if (typeof type === 'string' && Object.hasOwn(registry, type)) return registry[type]!;
  if (type === undefined)
    report({ path: at, message: `missing: expected a type, one of ${known.join(', ')}`, atKey: true });
  else if (typeof type !== 'string')
    report({ path: [...at, 'type'], message: `found ${shown(type)}, expected one of ${known.join(', ')}` });
  else report({ path: [...at, 'type'], message: unknownKey(at, type, known, 'type').message });
  return null;
}

function checkQuery(kind: SinkKind, where: unknown, path: Path, report: Report): void {
  if (typeof where !== 'string') return;
  try {
    compileQuery(kind, where);
  } catch (error) {
    report({ path, message: messageOf(error) });
  }
}

export function parseSources(
  value: unknown,
  registries: Registries,
  defaults: { cluster: string; node: string | null },
  report: Report,
): SourceConfig[] {
  return entriesOf('sources', value, report).flatMap(([name, fields]) => {
    const at = ['sources', name];
    const entry = entryOf(registries.sources, fields, at, report);
    // `from: stdin` is short for an input without options.
    const from = typeof fields['from'] === 'string' ? { [fields['from']]: {} } : fields['from'];
    const input = parseInput(from, registries, [...at, 'from'], report);
    if (!entry) return [];
    const { from: _, ...rest } = fields;
    const parsed = parseComponent(rest, at, sourceKeys.omit({ from: true }), entry.options);
    parsed.problems.forEach(report);
    if (!input || parsed.options === null) return [];
    const { type, cluster, node, disorder } = parsed.common as Partial<
      Omit<z.output<typeof sourceKeys>, 'from'>
    >;
    return [
      {
        name,
        type: type ?? '',
        options: parsed.options,
        input,
        cluster: cluster ?? defaults.cluster,
        node: node ?? defaults.node,
        disorderMs: disorder ?? null,
      },
    ];
  });
}

function parseInput(
  from: unknown,
  { inputs }: Registries,
  at: Path,
  report: Report,
): SourceConfig['input'] | null {
  const known = Object.keys(inputs).join(', ');
  if (from === undefined) {
    report({ path: at, message: `missing: expected an input, one of ${known}`, atKey: true });
    return null;
  }
  const names = isFields(from) ? Object.keys(from) : [];
  if (!isFields(from) || names.length !== 1) {
    report({
      path: at,
      message: `found ${shown(from)}, expected one input with its options, one of ${known}`,
    });
    return null;
  }
  const type = names[0]!;
  const entry = Object.hasOwn(inputs, type) ? inputs[type] : undefined;
  if (!entry) {
    report(unknownKey([...at, type], type, Object.keys(inputs), 'input'));
    return null;
  }
  const raw = from[type] ?? {};
  if (!isFields(raw)) {
    report({
      path: [...at, type],
      message: `found ${shown(raw)}, expected a mapping (${Object.keys(entry.options.shape).join(', ')})`,
    });
    return null;
  }
  const parsed = parseComponent(raw, [...at, type], noKeys(entry.options), entry.options);
  parsed.problems.forEach(report);
  return parsed.options === null ? null : { type, options: parsed.options };
}

const noKeys = (options: z.ZodObject): z.ZodObject => options.pick({});

/** All detectors there are, with what is said of them; those switched off are left out. */
export function parseDetectors(value: unknown, registries: Registries, report: Report): DetectorConfig[] {
  const known = Object.keys(registries.detectors);
  const written = new Map(entriesOf('detectors', value, report));
  for (const name of written.keys()) {
    if (!known.includes(name)) report(unknownKey(['detectors', name], name, known, 'detector'));
  }
  return known.flatMap((name) => {
    const at = ['detectors', name];
    const { options } = registries.detectors[name]!;
    const parsed = parseComponent(written.get(name) ?? {}, at, detectorKeys, options);
    parsed.problems.forEach(report);
    const { enabled, where } = parsed.common as Partial<z.output<typeof detectorKeys>>;
    checkQuery('flow', where, [...at, 'where'], report);
    return enabled === true && parsed.options !== null
      ? [{ name, where: where ?? null, options: parsed.options }]
      : [];
  });
}

export function parseSinks(value: unknown, registries: Registries, report: Report): SinkConfig[] {
  return entriesOf('sinks', value, report).flatMap(([name, fields]) => {
    const at = ['sinks', name];
    const entry = entryOf(registries.sinks, fields, at, report);
    if (!entry) return [];
    const withRecords = {
      ...fields,
      ...(isFields(fields['records']) ? { records: withoutEmpty(fields['records']) } : {}),
    };
    const parsed = parseComponent(withRecords, at, sinkKeys, entry.options);
    parsed.problems.forEach(report);
    const { type, records, tenant, heartbeat, queue } = parsed.common as Partial<z.output<typeof sinkKeys>>;
    const wanted: Partial<Record<SinkKind, { where: string | null }>> = {};
    for (const [kind, { where }] of Object.entries(
      records ??
        Object.fromEntries(entry.defaultRecords.map((kind) => [kind, { where: entry.defaultWhere?.[kind] }])),
    ) as [SinkKind, { where?: string }][]) {
      checkQuery(kind, where, [...at, 'records', kind, 'where'], report);
      wanted[kind] = { where: where ?? null };
    }
    if (type === 'store' && heartbeat !== undefined)
      report({
        path: [...at, 'heartbeat'],
        message: 'a store is part of this process: nobody there could notice that nothing comes',
      });
    if (parsed.options === null) return [];
    return [
      {
        name,
        type: type ?? '',
        options: parsed.options,
        records: wanted,
        tenant: tenant ?? null,
        heartbeatMs: heartbeat ?? null,
        queue: queue === undefined ? null : { maxBytes: queue.maxBytes ?? null, onFull: queue.onFull },
      },
    ];
  });
}

/** `loss:` with nothing after it is `loss: {}`. */
const withoutEmpty = (records: Fields): Fields =>
  Object.fromEntries(Object.entries(records).map(([kind, filter]) => [kind, filter ?? {}]));
