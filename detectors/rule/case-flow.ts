import {
  newEndpoint,
  newFlow,
  newPolicyChange,
  newPolicyRef,
  newRequest,
  newServiceRef,
  type Endpoint,
  type Flow,
  type PolicyChange,
} from '../../schema/records.ts';
import { flowIds } from '../../schema/ids.ts';
import { durationForm, parseDuration } from '../../pipeline/units.ts';
import { canonicalAddress, parseNetwork } from '../../query/address.ts';
import { PROTOCOLS } from '../../query/aliases.ts';
import type { Field } from '../../query/index.ts';
import type { TestCase } from './definition.ts';
import { fieldOf, unknownField } from './fields.ts';
import type { Subject, SubjectKind } from './subject.ts';

type Line = TestCase['flows'][number];
type Path = readonly (string | number)[];

/** Words of a line that are no field of a flow. */
const TIMING = ['at', 'every', 'times'] as const;
const MAX_TIMES = 100_000;

/** Monday, 2025-11-03 00:00 UTC: cases begin here. */
export const CASE_START_MS = 1_762_128_000_000;

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `source: { namespace: a }` and `source.namespace: a` are the same. */
function* fieldsOfLine(
  kind: SubjectKind,
  line: Line,
  prefix = '',
  at: Path = [],
): Generator<[name: string, value: unknown, at: Path]> {
  for (const [key, value] of Object.entries(line)) {
    const name = prefix + key;
    const inner = fieldOf(kind, name)?.type;
    if (isMapping(value) && (inner === 'record' || inner === 'map'))
      yield* fieldsOfLine(kind, value, `${name}.`, [...at, key]);
    else if (prefix !== '' || !TIMING.includes(key as 'at')) yield [name, value, [...at, key]];
  }
}

interface CaseProblem {
  readonly path: Path;
  readonly message: string;
}

/** Where the records of a case are written. */
const listOf = (kind: SubjectKind): 'flows' | 'changes' => (kind === 'flow' ? 'flows' : 'changes');

/** What is wrong with the records of a case. */
export function caseProblems(kind: SubjectKind, test: TestCase): CaseProblem[] {
  const list = listOf(kind);
  const other = list === 'flows' ? 'changes' : 'flows';
  if (test[other].length > 0)
    return [{ path: [other], message: `the rule looks at a ${kind.replace('_', ' ')}: expected '${list}'` }];
  if (test[list].length === 0) return [{ path: [], message: `missing: expected '${list}'` }];
  return test[list].flatMap((line, i) => {
    const problems: CaseProblem[] = [];
    for (const key of ['at', 'every'] as const) {
      const value = line[key];
      if (value !== undefined && parseDuration(textOf(value)) === null)
        problems.push({ path: [list, i, key], message: `expected ${durationForm}` });
    }
    const { times } = line;
    if (
      times !== undefined &&
      !(Number.isInteger(times) && (times as number) >= 1 && (times as number) <= MAX_TIMES)
    )
      problems.push({ path: [list, i, 'times'], message: `expected a number from 1 to ${MAX_TIMES}` });
    for (const [name, value, at] of fieldsOfLine(kind, line)) {
      const field = fieldOf(kind, name);
      const problem = field === null ? unknownField(kind, name, TIMING) : valueProblem(field, value);
      if (problem !== null) problems.push({ path: [list, i, ...at], message: problem });
    }
    return problems;
  });
}

/** What the flows of a line take in turn: a list, the numbers of `1000-1499`, the addresses of `10.0.0.0/24`. */
function valuesOf(field: Field, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const range = field.type === 'number' && typeof value === 'string' ? /^(\d+)-(\d+)$/.exec(value) : null;
  if (range) return upFrom(Number(range[1]), Number(range[2]) + 1 - Number(range[1]));
  const network = field.type === 'address' && typeof value === 'string' ? parseNetwork(value) : null;
  if (network?.version === 4) return upFrom(network.from, 2 ** (32 - network.prefix)).map(ipv4Text);
  return [value];
}

const MAX_VALUES = 65_536;
const upFrom = (first: number, count: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(count, MAX_VALUES)) }, (_, i) => first + i);
const ipv4Text = (address: number): string =>
  [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join('.');

function valueProblem(field: Field, value: unknown): string | null {
  const values = valuesOf(field, value);
  if (values.length > 0 && values.every((each) => fitting(field, each) !== null)) return null;
  const expected: Readonly<Partial<Record<Field['type'], string>>> = {
    address: 'an address',
    protocol: `a protocol number or one of ${[...PROTOCOLS.keys()].join(', ')}`,
    boolean: 'true or false',
    enum: `one of ${field.symbols.join(', ')}`,
    record: `one of its parts, as in ${field.name}.name`,
    map: `one of its keys, as in ${field.name}.app`,
  };
  return `expected ${expected[field.type] ?? (field.type === 'text' ? 'text' : 'a number')} for '${field.name}'`;
}

/** The value as a record holds it; null when it does not fit. */
function fitting({ type, symbols }: Field, value: unknown): string | number | boolean | null {
  switch (type) {
    case 'text':
      return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
    case 'address':
      return typeof value === 'string' ? canonicalAddress(value) : null;
    case 'protocol':
      return typeof value === 'number' ? value : (PROTOCOLS.get(textOf(value).toLowerCase()) ?? null);
    case 'number':
    case 'time':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'enum':
    case 'severity':
      return typeof value === 'string' && symbols.includes(value) ? value : null;
    default:
      return null;
  }
}

/** Records of a case in order of time. What a line does not say is as the inventory would have filled it in. */
export function caseRecords(kind: SubjectKind, test: TestCase): Subject[] {
  const records = test[listOf(kind)].flatMap((line, i) => {
    const origin = `line ${i}`;
    const idAt = flowIds({ cluster: 'test', node: null, collector: 'test', origin });
    const span = (key: 'at' | 'every', fallback: number): number =>
      line[key] === undefined ? fallback : (parseDuration(textOf(line[key])) ?? fallback);
    const times = (line['times'] as number | undefined) ?? 1;
    return Array.from({ length: times }, (_, position) => {
      const timeMs = CASE_START_MS + span('at', 0) + position * span('every', 1000);
      const place = { id: idAt(position), origin, position, timeMs };
      const record = kind === 'flow' ? plainFlow(place) : plainChange(place);
      for (const [name, value] of fieldsOfLine(kind, line))
        put(record, fieldOf(kind, name)!, value, position);
      if (kind === 'flow') completeBoth(record as Flow);
      return record;
    });
  });
  return records.sort((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1));
}

const timeOf = (record: Subject): number => ('endMs' in record ? record.endMs : record.timeMs);

interface Place {
  readonly id: string;
  readonly origin: string;
  readonly position: number;
  readonly timeMs: number;
}

function plainFlow({ id, origin, position, timeMs }: Place): Flow {
  const flow = newFlow({
    id,
    origin,
    position,
    cluster: 'test',
    collector: 'test',
    startMs: timeMs,
    endMs: timeMs,
    receivedMs: timeMs + 1000,
    source: newEndpoint(),
    destination: newEndpoint(),
  });
  flow.protocol = 6;
  return flow;
}

const plainChange = ({ id, timeMs }: Place): PolicyChange =>
  newPolicyChange({ id, timeMs, cluster: 'test', verb: 'update', kind: 'NetworkPolicy', name: 'policy' });

function completeBoth(flow: Flow): void {
  complete(flow.source, flow.cluster);
  complete(flow.destination, flow.cluster);
}

function put(record: Subject, field: Field, value: unknown, position: number): void {
  const path = [...field.path];
  const last = path.pop()!;
  let holder = record as unknown as Record<string, unknown>;
  for (const part of path) holder = partOf(holder, part);
  const one = (each: unknown) => fitting(field, each);
  const isList = field.many && !['policies'].includes(field.path[0]!);
  const values = valuesOf(field, value);
  holder[last] = isList ? values.map(one) : one(values[position % values.length]);
}

const makers: Readonly<Record<string, () => object>> = {
  labels: () => ({}),
  request: newRequest,
  service: () => newServiceRef({ name: 'service' }),
};

function partOf(holder: Record<string, unknown>, part: string): Record<string, unknown> {
  if (part === 'policies') {
    if ((holder[part] as unknown[]).length === 0) holder[part] = [newPolicyRef()];
    return (holder[part] as Record<string, unknown>[])[0]!;
  }
  return (holder[part] ??= makers[part]!()) as Record<string, unknown>;
}

function complete(endpoint: Endpoint, cluster: string): void {
  if (endpoint.kind === 'unknown' && endpoint.namespace !== null) endpoint.kind = 'workload';
  if (endpoint.entity !== null) return;
  if (endpoint.namespace !== null && endpoint.workload !== null)
    endpoint.entity = `${cluster}/${endpoint.namespace}/${endpoint.workloadKind ?? 'Deployment'}/${endpoint.workload}`;
  else if (endpoint.ip !== null) endpoint.entity = `ip/${endpoint.ip}`;
}
