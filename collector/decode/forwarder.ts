/** What a cluster's log forwarder said around a line. */
export interface Forwarded {
  readonly text: string;
  readonly timeMs: number | null;
  readonly node: string | null;
  readonly cluster: string | null;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** The member at a path; keys with dots in their names are found as well. */
function at(object: object, outer: string, inner: string): unknown {
  const record = object as Record<string, unknown>;
  const nested = record[outer];
  if (typeof nested === 'object' && nested !== null) return (nested as Record<string, unknown>)[inner];
  return record[`${outer}.${inner}`];
}

/**
 * The data model of the OpenShift cluster log forwarder ("viaq"): `message`, or `structured` where the
 * forwarder parsed it; `hostname` or `kubernetes.host`; `openshift.cluster_id`; `@timestamp`. Null when the
 * object holds no line.
 */
export function forwardedOf(object: object): Forwarded | null {
  const record = object as Record<string, unknown>;
  let text = textOf(record['message']);
  if (text === null && typeof record['structured'] === 'object' && record['structured'] !== null) {
    text = JSON.stringify(record['structured']);
  }
  if (text === null) return null;
  const time = Date.parse(textOf(record['@timestamp']) ?? '');
  return {
    text,
    timeMs: Number.isNaN(time) ? null : time,
    node: textOf(record['hostname']) ?? textOf(at(record, 'kubernetes', 'host')),
    cluster: textOf(at(record, 'openshift', 'cluster_id')) ?? textOf(at(record, 'openshift', 'cluster_name')),
  };
}

/** As `forwardedOf`, from the text of a line. */
export function parseForwarded(line: string): Forwarded | null {
  if (line.charCodeAt(0) !== 123) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  return typeof parsed === 'object' && parsed !== null ? forwardedOf(parsed) : null;
}
