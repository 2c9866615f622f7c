import avro from 'avsc';
import { schemas } from '../schema/records.ts';

/**
 * How a flow is laid out in a slice. Numbers are columns of `facts`; what repeats (who an endpoint is, a policy
 * trace, a request) is a row of a dimension, and the fact holds its id. Ids begin at 1; 0 stands for absent.
 * A nullable number that is absent is -1: none of them can be negative, and so no validity mask crosses over.
 */
export const LAYOUT_VERSION = '1';

export type Width = 'u8' | 'i32' | 'i64';
const SQL_TYPE = { u8: 'UTINYINT', i32: 'INTEGER', i64: 'BIGINT' } as const;

/** Columns of `facts` in order. `projection.ts` fills them by these names. */
export const factColumns = {
  context: 'i32',
  idRef: 'i32',
  position: 'i64',
  reporter: 'u8',
  unit: 'u8',
  aggregated: 'i32',
  samplingRate: 'i32',
  counted: 'u8',
  startMs: 'i64',
  endMs: 'i64',
  receivedMs: 'i64',
  verdict: 'u8',
  reason: 'i32',
  protocol: 'i32',
  icmpType: 'i32',
  icmpCode: 'i32',
  tcpFlags: 'i32',
  direction: 'u8',
  initiatorGuessed: 'u8',
  source: 'i32',
  sourcePort: 'i32',
  destination: 'i32',
  destinationPort: 'i32',
  service: 'i32',
  sourceBytes: 'i64',
  destinationBytes: 'i64',
  sourcePackets: 'i64',
  destinationPackets: 'i64',
  connectionsStarted: 'i32',
  connectionsCompleted: 'i32',
  connectionsLive: 'i32',
  policies: 'i32',
  request: 'i32',
  malformed: 'u8',
  inventoryStale: 'u8',
} as const satisfies Record<string, Width>;
export type FactColumn = keyof typeof factColumns;

/** A column of a dimension: a scalar of what the dimension's bytes decode to. */
export interface DimensionColumn {
  readonly name: string;
  readonly sql: 'VARCHAR' | 'INTEGER' | 'BIGINT' | 'BOOLEAN';
}
/** Rows that hang below a dimension: labels, scopes, the steps of a policy trace. */
export interface ChildTable {
  readonly table: string;
  readonly columns: readonly DimensionColumn[];
  rows(value: unknown): readonly (readonly unknown[])[];
}
export interface DimensionSpec {
  readonly table: string;
  /** Reads the bytes a dimension is keyed by. */
  readonly type: avro.Type;
  readonly columns: readonly DimensionColumn[];
  row(value: unknown): readonly unknown[];
  readonly children: readonly ChildTable[];
}

export const dimensionNames = ['context', 'reason', 'endpoint', 'service', 'policies', 'request'] as const;
export type DimensionName = (typeof dimensionNames)[number];

/** Flow ids (schema/ids.ts): so many characters of who observed it, then the position in this alphabet. */
export const ID_PREFIX = 14;
export const ID_ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

type Holder = Readonly<Record<string, unknown>>;

const flowTypeOf = (schema: string): avro.types.RecordType =>
  avro.Type.forSchema(JSON.parse(schema) as avro.Schema, { wrapUnions: 'never' }) as avro.types.RecordType;

/** The types of the dimensions' bytes as a flow schema of any version has them. */
export function dimensionTypes(schema: string): Readonly<Record<DimensionName, avro.Type>> {
  const flow = flowTypeOf(schema);
  const part = (name: string): avro.Type => flow.field(name).type;
  const record = (name: string, fields: readonly string[], first: avro.Schema[] = []): avro.Type =>
    avro.Type.forSchema(
      {
        type: 'record',
        name,
        fields: [
          ...first.map((type) => ({ name: 'idPrefix', type })),
          ...fields.map((field) => ({ name: field, type: part(field) })),
        ],
      },
      { wrapUnions: 'never' },
    );
  return {
    context: record(
      'StoreContext',
      ['origin', 'cluster', 'node', 'collector'],
      [{ type: 'fixed', name: 'StoreIdPrefix', size: ID_PREFIX }],
    ),
    reason: record('StoreReason', ['verdictRaw', 'dropReason']),
    endpoint: part('source'),
    service: part('service'),
    policies: part('policies'),
    request: part('request'),
  };
}

const SQL_OF: Readonly<Record<string, DimensionColumn['sql']>> = {
  string: 'VARCHAR',
  enum: 'VARCHAR',
  fixed: 'VARCHAR',
  int: 'INTEGER',
  long: 'BIGINT',
  boolean: 'BOOLEAN',
};

const branchesOf = (type: avro.Type): readonly avro.Type[] =>
  type.typeName.startsWith('union') ? (type as avro.types.UnwrappedUnionType).types : [type];
const presentOf = (type: avro.Type): avro.Type =>
  branchesOf(type).find((branch) => branch.typeName !== 'null')!;

/** The scalar fields of a record type, as columns. */
function scalars(type: avro.Type): DimensionColumn[] {
  return (type as avro.types.RecordType).fields.flatMap((field) => {
    const sql = SQL_OF[presentOf(field.type).typeName];
    return sql ? [{ name: field.name, sql }] : [];
  });
}

function makeDimensions(): Readonly<Record<DimensionName, DimensionSpec>> {
  const types = dimensionTypes(schemas.flow);
  const plain = (name: DimensionName, table: string): DimensionSpec => {
    const columns = scalars(presentOf(types[name]));
    return {
      table,
      type: types[name],
      columns,
      row: (value) =>
        columns.map((column) => {
          const field = (value as Holder)[column.name];
          return field instanceof Uint8Array ? Buffer.from(field).toString('latin1') : field;
        }),
      children: [],
    };
  };
  const stepType = (types.policies as avro.types.ArrayType).itemsType;
  const steps = scalars(stepType);
  return {
    context: plain('context', 'contexts'),
    reason: plain('reason', 'reasons'),
    endpoint: {
      ...plain('endpoint', 'endpoints'),
      children: [
        {
          table: 'endpoint_labels',
          columns: [
            { name: 'key', sql: 'VARCHAR' },
            { name: 'value', sql: 'VARCHAR' },
          ],
          rows: (value) => Object.entries((value as { labels: object | null }).labels ?? {}),
        },
        {
          table: 'endpoint_scopes',
          columns: [{ name: 'value', sql: 'VARCHAR' }],
          rows: (value) => (value as { scopes: readonly string[] }).scopes.map((scope) => [scope]),
        },
      ],
    },
    service: plain('service', 'services'),
    policies: {
      table: 'traces',
      type: types.policies,
      columns: [],
      row: () => [],
      children: [
        {
          table: 'trace_steps',
          columns: steps,
          rows: (value) =>
            (value as readonly Holder[]).map((step) => steps.map((column) => step[column.name])),
        },
      ],
    },
    request: plain('request', 'requests'),
  };
}

export const dimensions = makeDimensions();

/** Columns an endpoint has besides its fields: its address in a form that networks can be compared with. */
export const ADDRESS_COLUMNS: readonly DimensionColumn[] = [
  { name: 'v4', sql: 'BIGINT' },
  { name: 'v6', sql: 'VARCHAR' },
  { name: 'hasLabels', sql: 'BOOLEAN' },
];

const columnList = (columns: readonly DimensionColumn[]): string[] =>
  columns.map((column) => `"${column.name}" ${column.sql}`);

/** Statements that make an empty slice in a catalog. */
export function createTables(catalog: string): readonly string[] {
  const facts = Object.entries(factColumns).map(([name, width]) => `"${name}" ${SQL_TYPE[width]}`);
  const tables = [
    `facts (${facts.join(', ')})`,
    'ids (id INTEGER, value VARCHAR)',
    'events (kind VARCHAR, id VARCHAR, revision INTEGER, fromMs BIGINT, toMs BIGINT, body BLOB)',
    'cursors (log VARCHAR, topic VARCHAR, part INTEGER, next BIGINT)',
    'meta (key VARCHAR, value VARCHAR)',
  ];
  for (const name of dimensionNames) {
    const spec = dimensions[name];
    const extra = name === 'endpoint' ? ADDRESS_COLUMNS : [];
    tables.push(
      `${spec.table} (${['id INTEGER', 'body BLOB', ...columnList([...spec.columns, ...extra])].join(', ')})`,
    );
    for (const child of spec.children) {
      tables.push(`${child.table} (${['id INTEGER', ...columnList(child.columns)].join(', ')})`);
    }
  }
  return tables.map((table) => `CREATE TABLE ${catalog}.${table}`);
}
