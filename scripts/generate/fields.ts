import { readFileSync, readdirSync } from 'node:fs';
import { generatedBy, table } from './markdown.ts';

type Schema = string | readonly Schema[] | Complex;
interface Complex {
  readonly type: string;
  readonly name?: string;
  readonly doc?: string;
  readonly items?: Schema;
  readonly values?: Schema;
  readonly symbols?: readonly string[];
  readonly fields?: readonly { readonly name: string; readonly type: Schema; readonly doc?: string }[];
}

/** docs/reference/records.md: the fields of every record, from schema/*.avsc. */
export function fields(): string {
  const parts = [
    generatedBy('schema/*.avsc'),
    '# Records\n',
    'The fields of everything that flows. The Avro schemas in `schema/` are the contract; the JSON form (files, standard',
    'output, `replay --flows`) has the same names, one object per line. An absent field means unknown. Times are epoch',
    'milliseconds, UTC.\n',
  ];
  const told = new Set<string>();
  for (const file of readdirSync('schema')
    .filter((name) => name.endsWith('.avsc'))
    .sort((a, b) => a.localeCompare(b))) {
    const queue: Complex[] = [JSON.parse(readFileSync(`schema/${file}`, 'utf8')) as Complex];
    for (let type = queue.shift(); type; type = queue.shift()) {
      if (told.has(type.name ?? '')) continue;
      told.add(type.name ?? '');
      const top = file === `${snake(type.name ?? '')}.avsc`;
      parts.push(`${top ? '##' : '###'} ${type.name ?? ''}\n`, `${type.doc ?? ''}\n`);
      const rows = (type.fields ?? []).map((field) => {
        queue.push(...recordsIn(field.type));
        return [`\`${field.name}\``, typeText(field.type), field.doc ?? ''];
      });
      parts.push(table(['field', 'type', 'meaning'], rows), '');
    }
  }
  return parts.join('\n');
}

const snake = (name: string): string => name.replaceAll(/(?!^)([A-Z])/g, '_$1').toLowerCase();

const isUnion = (schema: Schema): schema is readonly Schema[] => Array.isArray(schema);

function recordsIn(schema: Schema): Complex[] {
  if (typeof schema === 'string') return [];
  if (isUnion(schema)) return schema.flatMap(recordsIn);
  if (schema.type === 'record') return [schema];
  return [schema.items, schema.values].flatMap((inner) => (inner === undefined ? [] : recordsIn(inner)));
}

function typeText(schema: Schema): string {
  if (typeof schema === 'string') return schema.replace(/^weir\./, '');
  if (isUnion(schema)) {
    const present = schema.filter((branch) => branch !== 'null').map(typeText);
    return `${present.join(' or ')}${present.length < schema.length ? ', may be absent' : ''}`;
  }
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? 'null')}`;
  if (schema.type === 'map') return `map to ${typeText(schema.values ?? 'null')}`;
  if (schema.type === 'enum') return (schema.symbols ?? []).map((symbol) => `\`${symbol}\``).join(', ');
  return schema.name ?? schema.type;
}
