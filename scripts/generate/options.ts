import { formatDuration } from '../../pipeline/units.ts';
import { registries } from '../../cli/config/registries.ts';
import { detectorKeys, sinkKeys, sourceKeys, top } from '../../cli/config/schema.ts';
import { rulesKeys } from '../../cli/config/rules-section.ts';
import { definition } from '../../detectors/rule/definition.ts';
import { branches, defOf, unwrap, type AnySchema } from '../../cli/config/schema-walk.ts';
import { generatedBy, table } from './markdown.ts';

/** docs/reference/options.md: every key of the configuration file, from the schemas that check it. */
export function options(): string {
  const { sources, inputs, detectors, sinks, kafka, enricher } = registries;
  return [
    generatedBy("the components' options.ts"),
    '# Options\n',
    'Every key of the configuration file. Durations are written `500ms`, `60s`, `10m`, `24h`, `30d`; sizes `5MB`, `5MiB`.',
    'A key that is not here is refused. A default of – means that the key may be left out; *required* that it may not.\n',
    '## Top level\n',
    page(top),
    page(enricher),
    '## kafka\n',
    page(kafka),
    '## Sources\n',
    'Keys of every source, beside those of its type:\n',
    page(sourceKeys),
    ...types(sources, 'type'),
    '## Inputs\n',
    'What stands under `from:` of a source.\n',
    ...types(inputs, 'from'),
    '## Detectors\n',
    'Keys of every detector, beside its own. A detector that is not named runs with its defaults.\n',
    page(detectorKeys),
    ...types(detectors, 'detectors'),
    '## rules\n',
    page(rulesKeys),
    'Each rule, in `inline` or in a file:\n',
    page(definition),
    '## Sinks\n',
    'Keys of every sink, beside those of its type:\n',
    page(sinkKeys),
    ...types(sinks, 'type'),
  ].join('\n');
}

function types(registry: Readonly<Record<string, { readonly options: AnySchema }>>, key: string): string[] {
  return Object.entries(registry).flatMap(([name, { options }]) => [
    `### ${key === 'type' ? `type: ${name}` : name}\n`,
    page(options, key === 'detectors' ? Object.keys(detectorKeys.shape).map((name) => `\`${name}\``) : []),
  ]);
}

function page(schema: AnySchema, told: readonly string[] = []): string {
  const all = rowsOf(schema, '');
  // Branches of a union name some keys more than once; one row says it.
  const rows = all.filter(
    ([key = ''], index) => !told.includes(key) && all.findIndex((row) => row[0] === key) === index,
  );
  return rows.length === 0 ? 'No options.\n' : `${table(['key', 'value', 'default', 'meaning'], rows)}\n`;
}

function rowsOf(schema: AnySchema, prefix: string): string[][] {
  return branches(schema).flatMap((branch) => {
    const def = defOf(branch);
    return Object.entries(def.shape ?? {}).flatMap(([key, field]) => fieldRows(field, `${prefix}${key}`));
  });
}

function fieldRows(field: AnySchema, path: string): string[][] {
  const { schema, optional, fallback, description, format } = unwrap(field);
  const own = [
    `\`${path}\``,
    valueText(schema, format),
    defaultText({ optional, fallback, format }),
    description,
  ];
  const inner = branches(field).flatMap((branch) => {
    const def = defOf(branch);
    if (def.shape) return rowsOf(branch, `${path}.`);
    const element = def.element ?? def.valueType;
    return element ? rowsOf(element, `${path}${def.element ? '[]' : '.NAME'}.`) : [];
  });
  return [own, ...inner];
}

function valueText(schema: AnySchema, format: string | null): string {
  if (format === 'duration') return 'duration';
  if (format === 'byteSize') return 'size';
  return [...new Set(branches(schema).map(plainText))].join(' or ');
}

function plainText(schema: AnySchema): string {
  const def = defOf(schema);
  if (def.type === 'enum')
    return Object.values(def.entries ?? {})
      .map((value) => `\`${value}\``)
      .join(', ');
  if (def.type === 'literal') return (def.values ?? []).map((value) => `\`${String(value)}\``).join(', ');
  if (def.type === 'array')
    return `list of ${def.element ? valueText(unwrap(def.element).schema, null) : 'anything'}`;
  if (def.type === 'record') return 'mapping by name';
  if (def.type === 'object') return 'mapping';
  if (def.type === 'boolean') return 'true or false';
  return { string: 'text', number: 'number', unknown: 'mapping' }[def.type] ?? def.type;
}

function defaultText({
  optional,
  fallback,
  format,
}: {
  optional: boolean;
  fallback: unknown;
  format: string | null;
}): string {
  if (fallback === undefined || fallback === null) return optional ? '–' : '*required*';
  if (format === 'duration' && typeof fallback === 'number') return `\`${formatDuration(fallback)}\``;
  if (typeof fallback === 'object')
    return Object.keys(fallback).length === 0 ? '–' : `\`${JSON.stringify(fallback)}\``;
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
}
