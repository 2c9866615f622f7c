import { fieldOf, narrowed, type Subject } from './subject.ts';

/** A column of a Lens panel, before it knows what it is about. */
export interface Column {
  readonly make: (subject: Subject, context: { readonly orderBy: string }) => LensColumn;
  readonly isBucket: boolean;
}

export interface LensColumn {
  readonly label: string;
  readonly customLabel?: true;
  readonly dataType: string;
  readonly operationType: string;
  readonly scale: 'ratio' | 'ordinal' | 'interval';
  readonly sourceField: string;
  readonly isBucketed: boolean;
  readonly params: Readonly<Record<string, unknown>>;
  readonly filter?: { readonly language: 'kuery'; readonly query: string };
}

const RECORDS = '___records___';

/** Types that Lens names otherwise. */
const dataTypes: Readonly<Record<string, string>> = {
  date: 'date',
  long: 'number',
  float: 'number',
  boolean: 'boolean',
  ip: 'ip',
};

const measure = (make: (subject: Subject) => Omit<LensColumn, 'isBucketed' | 'scale'>): Column => ({
  isBucket: false,
  make: (subject) => ({ ...make(subject), customLabel: true, isBucketed: false, scale: 'ratio' }),
});

const filterOf = ({ kind }: Subject, where: string | undefined): Pick<LensColumn, 'filter'> =>
  where === undefined
    ? {}
    : { filter: { language: 'kuery', query: narrowed({ kind, where: `weir.kind : "${kind}"` }, where) } };

/** How many records; of those alone that `where` finds. */
export const count = (label: string, where?: string): Column =>
  measure((subject) => ({
    label,
    dataType: 'number',
    operationType: 'count',
    sourceField: RECORDS,
    params: { emptyAsNull: false },
    ...filterOf(subject, where),
  }));

const ofNumber =
  (operationType: 'sum' | 'max', format?: 'bytes') =>
  (field: string, label: string): Column =>
    measure(({ kind }) => {
      const { type } = fieldOf(field, kind);
      if (!['long', 'float', 'date'].includes(type))
        throw new TypeError(`${field}: the ${operationType} of a ${type}`);
      return {
        label,
        dataType: dataTypes[type]!,
        operationType,
        sourceField: field,
        params: { emptyAsNull: true, ...(format ? { format: { id: format, params: { decimals: 1 } } } : {}) },
      };
    });

export const sum = ofNumber('sum');
export const sumOfBytes = ofNumber('sum', 'bytes');
/** Greatest value; of a time, the last. */
export const max = ofNumber('max');

/** How many different values. */
export const distinct = (field: string, label: string): Column =>
  measure(({ kind }) => ({
    label,
    dataType: 'number',
    operationType: 'unique_count',
    sourceField: aggregatable(field, kind),
    params: { emptyAsNull: false },
  }));

/** The values of a field that have most of the first measure. */
export const top = (field: string, label: string, size = 10): Column => ({
  isBucket: true,
  make: ({ kind }, { orderBy }) => ({
    label,
    customLabel: true,
    dataType: dataTypes[fieldOf(field, kind).type] ?? 'string',
    isBucketed: true,
    operationType: 'terms',
    scale: 'ordinal',
    sourceField: aggregatable(field, kind),
    params: {
      size,
      orderBy: { type: 'column', columnId: orderBy },
      orderDirection: 'desc',
      otherBucket: false,
      missingBucket: false,
      parentFormat: { id: 'terms' },
      include: [],
      exclude: [],
      includeIsRegex: false,
      excludeIsRegex: false,
      secondaryFields: [],
    },
  }),
});

/** Time, in steps that Kibana chooses. */
export const time: Column = {
  isBucket: true,
  make: () => ({
    label: '@timestamp',
    dataType: 'date',
    isBucketed: true,
    operationType: 'date_histogram',
    scale: 'interval',
    sourceField: '@timestamp',
    params: { interval: 'auto', includeEmptyRows: true, dropPartials: false },
  }),
};

function aggregatable(name: string, kind: Subject['kind']): string {
  const { type } = fieldOf(name, kind);
  if (type === 'match_only_text') throw new TypeError(`${name}: text cannot be counted by its values`);
  return name;
}
