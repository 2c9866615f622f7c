/**
 * What can be said of an event, and what it is called in each format. The names and labels of CEF are part of the
 * contract with whoever wrote rules on them: they do not change within a major version.
 *
 * CEF: extension dictionary of the Implementing ArcSight CEF text, with the longest value it allows. LEEF: the
 * predefined attributes of IBM's LEEF 2.0 where one fits, else a name of our own.
 */
export interface Key {
  readonly cef: string;
  /** `csN`, `cnN` and their like say what they hold in a field beside them. */
  readonly label: string | null;
  /** Longest value in CEF, UTF-16 units. */
  readonly maxLength: number;
  readonly leef: string;
  /** As they are written: ` cs1=`, ` cs1Label=PolicyName`, `policy=`. */
  readonly cefBefore: string;
  readonly cefAfter: string;
  readonly leefBefore: string;
}

export function key(cef: string, leef: string, more: { label?: string; maxLength?: number } = {}): Key {
  const label = more.label ?? null;
  return {
    cef,
    label,
    maxLength: more.maxLength ?? (cef.startsWith('cs') ? 4000 : 1023),
    leef,
    cefBefore: ` ${cef}=`,
    cefAfter: label === null ? '' : ` ${cef}Label=${label}`,
    leefBefore: `${leef}=`,
  };
}

export const keys = {
  category: key('cat', 'cat'),
  start: key('start', 'startTime'),
  end: key('end', 'endTime'),
  received: key('rt', 'receivedTime'),
  count: key('cnt', 'count'),
  action: key('act', 'action', { maxLength: 63 }),
  outcome: key('outcome', 'outcome', { maxLength: 63 }),
  reason: key('reason', 'reason'),
  message: key('msg', 'message'),
  node: key('dvchost', 'node', { maxLength: 100 }),
  protocol: key('proto', 'proto', { maxLength: 31 }),
  direction: key('deviceDirection', 'direction'),
  sourceBytes: key('in', 'srcBytes'),
  destinationBytes: key('out', 'dstBytes'),
  user: key('suser', 'usrName'),
  userAgent: key('requestClientApplication', 'userAgent'),
  policy: key('cs1', 'policy', { label: 'PolicyName' }),
  sourceNamespace: key('cs2', 'srcNamespace', { label: 'SourceNamespace' }),
  destinationNamespace: key('cs3', 'dstNamespace', { label: 'DestinationNamespace' }),
  tenant: key('cs4', 'tenant', { label: 'Tenant' }),
  incident: key('cs5', 'incident', { label: 'Incident' }),
  cluster: key('cs6', 'cluster', { label: 'Cluster' }),
  packets: key('cn1', 'totalPackets', { label: 'Packets' }),
  rows: key('cn2', 'rows', { label: 'Rows' }),
  revision: key('cn3', 'revision', { label: 'Revision' }),
  score: key('cfp1', 'score', { label: 'AnomalyScore' }),
  entity: key('flexString1', 'entity', { label: 'Entity' }),
  techniques: key('flexString2', 'techniques', { label: 'AttackTechniques' }),
  tactics: key('flexString2', 'tactics', { label: 'AttackTactics' }),
  logging: key('flexString1', 'policyLogging', { label: 'PolicyLogging' }),
} as const;

/** The keys of one side. CEF's `src` and `dst` hold IPv4 only; IPv6 has fields set aside for it. */
export interface SideKeys {
  readonly v4: Key;
  readonly v6: Key;
  readonly port: Key;
  readonly host: Key;
  readonly service: Key;
}

export const sourceKeys: SideKeys = {
  v4: key('src', 'src'),
  v6: key('c6a2', 'src', { label: 'Source IPv6 Address' }),
  port: key('spt', 'srcPort'),
  host: key('shost', 'srcHost'),
  service: key('sourceServiceName', 'srcService'),
};

export const destinationKeys: SideKeys = {
  v4: key('dst', 'dst'),
  v6: key('c6a3', 'dst', { label: 'Destination IPv6 Address' }),
  port: key('dpt', 'dstPort'),
  host: key('dhost', 'dstHost'),
  service: key('destinationServiceName', 'dstService'),
};

const all: readonly Key[] = [keys, sourceKeys, destinationKeys].flatMap(
  (group) => Object.values(group) as Key[],
);

/** Longest value of a CEF key, for those that users add. */
export const cefMaxLength = (name: string): number =>
  all.find(({ cef }) => cef === name)?.maxLength ?? (name.startsWith('cs') ? 4000 : 1023);
