import { readdirSync, readFileSync } from 'node:fs';

type Schema = string | Schema[] | Named | { type: 'array'; items: Schema } | { type: 'map'; values: Schema };
type Field = { name: string; type: Schema; default?: unknown; doc?: string };
type Named =
  | { type: 'record'; name: string; doc?: string; fields: Field[] }
  | { type: 'enum'; name: string; doc?: string; symbols: string[]; default: string };

const PRIMITIVES: Record<string, string> = {
  string: 'string',
  long: 'number',
  int: 'number',
  double: 'number',
  boolean: 'boolean',
  bytes: 'Uint8Array',
  null: 'null',
};

/** TypeScript types, empty-record factories and the schema texts themselves, from schema/*.avsc. */
export function records(): string {
  const named = new Map<string, Named>();
  const top: { file: string; schema: Named }[] = [];
  for (const file of readdirSync('schema')
    .filter((f) => f.endsWith('.avsc'))
    .sort()) {
    const schema = JSON.parse(readFileSync(`schema/${file}`, 'utf8')) as Named;
    collect(schema, named, file);
    top.push({ file: file.replace('.avsc', ''), schema });
  }
  const out = [
    '// Generated from schema/*.avsc by `npm run generate`. Do not edit.',
    '',
    'export type RecordKind =',
    ...top.map(({ file }) => `  | '${file}'`),
    '  ;',
    '',
  ];
  for (const type of [...named.values()].sort((a, b) => a.name.localeCompare(b.name)))
    out.push(...declare(type), '');
  out.push(
    'export interface RecordTypes {',
    ...top.map(({ file, schema }) => `  ${file}: ${schema.name};`),
    '}',
    '',
  );
  for (const type of named.values()) if (type.type === 'record') out.push(...factory(type), '');
  out.push('/** The schema of each record, as published to other readers. */', 'export const schemas = {');
  for (const { file, schema } of top) out.push(`  ${file}: ${JSON.stringify(JSON.stringify(schema))},`);
  out.push('} as const satisfies Record<RecordKind, string>;', '');
  return out.join('\n');
}

function collect(schema: Schema, into: Map<string, Named>, file: string): void {
  if (Array.isArray(schema)) for (const s of schema) collect(s, into, file);
  else if (typeof schema === 'object') {
    if (schema.type === 'array') collect(schema.items, into, file);
    else if (schema.type === 'map') collect(schema.values, into, file);
    else {
      const known = into.get(schema.name);
      if (known && JSON.stringify(strip(known)) !== JSON.stringify(strip(schema)))
        throw new Error(`${file}: ${schema.name} is defined differently in another schema`);
      into.set(schema.name, known ?? schema);
      if (schema.type === 'record') for (const f of schema.fields) collect(f.type, into, file);
    }
  }
}

/** A named type is spelled out at its first use in a file and named afterwards: compare names only. */
function strip(type: Named): unknown {
  if (type.type === 'enum') return type;
  return {
    ...type,
    fields: type.fields.map((f) => ({ name: f.name, type: typeOf(f.type), default: f.default })),
  };
}

function typeOf(schema: Schema): string {
  if (Array.isArray(schema)) return schema.map(typeOf).reverse().join(' | ');
  if (typeof schema === 'string') return PRIMITIVES[schema] ?? schema.replace(/^weir\./, '');
  if (schema.type === 'array') return `readonly ${typeOf(schema.items)}[]`;
  if (schema.type === 'map') return `Readonly<Record<string, ${typeOf(schema.values)}>>`;
  return schema.name;
}

function declare(type: Named): string[] {
  const doc = type.doc ? [`/** ${type.doc} */`] : [];
  if (type.type === 'enum') {
    const list = type.symbols.map((s) => `'${s}'`).join(', ');
    return [
      ...doc,
      `export const ${plural(type.name)} = [${list}] as const;`,
      `export type ${type.name} = (typeof ${plural(type.name)})[number];`,
    ];
  }
  const fields = type.fields.flatMap((f) => [
    ...(f.doc ? [`  /** ${f.doc} */`] : []),
    `  ${f.name}: ${typeOf(f.type)};`,
  ]);
  return [...doc, `export interface ${type.name} {`, ...fields, '}'];
}

const plural = (name: string): string =>
  (name.endsWith('y') ? `${name.slice(0, -1)}ies` : `${name}s`).replace(/ss$/, 'ses');

/** All objects of a type come from one literal, so that they share one hidden class. */
function factory(type: Named & { type: 'record' }): string[] {
  const required = type.fields.filter((f) => f.default === undefined).map((f) => f.name);
  const params = required.length ? `Pick<${type.name}, ${required.map((r) => `'${r}'`).join(' | ')}>` : null;
  const lines = type.fields.map((f) => {
    if (f.default === undefined) return `    ${f.name}: required.${f.name},`;
    return `    ${f.name}: ${Array.isArray(f.default) ? '[]' : JSON.stringify(f.default).replaceAll('"', "'")},`;
  });
  return [
    `export function new${type.name}(${params ? `required: ${params}` : ''}): ${type.name} {`,
    '  return {',
    ...lines,
    '  };',
    '}',
  ];
}
