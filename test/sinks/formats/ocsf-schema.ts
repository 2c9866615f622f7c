/**
 * What OCSF 1.8.0 requires of the classes and objects that Weir writes, and which values its enumerations have;
 * written down from the public schema, apart from the code that is checked with it.
 */
export interface ObjectRules {
  readonly required: readonly string[];
  /** Allowed numbers of enumerated attributes. */
  readonly enums?: Readonly<Record<string, readonly number[]>>;
  readonly atLeastOne?: readonly string[];
  /** Attributes that are objects, or lists of them. */
  readonly objects?: Readonly<Record<string, ObjectRules>>;
  /** Every attribute the schema knows here; absent where more may stand. */
  readonly known?: readonly string[];
}

const metadata: ObjectRules = {
  required: ['product', 'version'],
  known: ['version', 'uid', 'event_code', 'product', 'profiles', 'tenant_uid', 'labels'],
  objects: {
    product: { required: [], atLeastOne: ['name', 'uid'], known: ['name', 'vendor_name', 'version', 'uid'] },
  },
};

const endpoint: ObjectRules = {
  required: [],
  atLeastOne: [
    'ip',
    'uid',
    'name',
    'hostname',
    'svc_name',
    'instance_uid',
    'interface_uid',
    'interface_name',
  ],
  known: ['ip', 'port', 'name', 'hostname', 'svc_name', 'uid', 'zone'],
};

const connectionInfo: ObjectRules = {
  required: ['direction_id'],
  enums: { direction_id: [0, 1, 2, 3, 4, 99], protocol_ver_id: [0, 4, 6, 99] },
  known: [
    'direction_id',
    'direction',
    'protocol_num',
    'protocol_name',
    'protocol_ver_id',
    'tcp_flags',
    'community_uid',
  ],
};

const firewallRule: ObjectRules = {
  required: [],
  atLeastOne: ['name', 'uid'],
  known: ['name', 'uid', 'category', 'type', 'desc', 'version'],
};

const severity = [0, 1, 2, 3, 4, 5, 6, 99];
const dispositions = [...Array.from({ length: 28 }, (_, n) => n), 99];
const control = { action_id: [0, 1, 2, 3, 4, 99], disposition_id: dispositions };

const event = [
  'activity_id',
  'activity_name',
  'category_uid',
  'class_uid',
  'class_name',
  'type_uid',
  'severity_id',
  'severity',
  'time',
  'metadata',
  'message',
  'count',
  'duration',
  'start_time',
  'end_time',
  'status',
  'status_id',
  'status_detail',
  'unmapped',
];
const required = ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'];
const controlled = ['action_id', 'action', 'disposition_id', 'disposition', 'firewall_rule', 'is_alert'];

export const networkActivity: ObjectRules = {
  required,
  atLeastOne: ['dst_endpoint', 'src_endpoint'],
  enums: {
    activity_id: [0, 1, 2, 3, 4, 5, 6, 7, 99],
    category_uid: [4],
    class_uid: [4001],
    severity_id: severity,
    observation_point_id: [0, 1, 2, 3, 99],
    ...control,
  },
  objects: {
    metadata,
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    connection_info: connectionInfo,
    firewall_rule: firewallRule,
    traffic: {
      required: [],
      known: ['bytes', 'bytes_in', 'bytes_out', 'packets', 'packets_in', 'packets_out'],
    },
  },
  known: [
    ...event,
    ...controlled,
    'src_endpoint',
    'dst_endpoint',
    'connection_info',
    'traffic',
    'is_src_dst_assignment_known',
    'observation_point_id',
  ],
};

const named: ObjectRules = { required: [], atLeastOne: ['name', 'uid'] };

export const detectionFinding: ObjectRules = {
  required: [...required, 'finding_info'],
  enums: {
    activity_id: [0, 1, 2, 3, 99],
    category_uid: [2],
    class_uid: [2004],
    severity_id: severity,
    status_id: [0, 1, 2, 3, 4, 5, 6, 99],
    ...control,
  },
  objects: {
    metadata,
    firewall_rule: firewallRule,
    finding_info: {
      required: ['uid'],
      known: [
        'uid',
        'title',
        'desc',
        'first_seen_time',
        'last_seen_time',
        'modified_time',
        'analytic',
        'attacks',
        'related_events',
        'related_events_count',
        'src_url',
        'types',
      ],
      objects: {
        analytic: {
          required: ['type_id'],
          atLeastOne: ['name', 'uid'],
          enums: { type_id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99] },
          known: ['uid', 'name', 'type_id', 'type', 'version', 'category', 'desc'],
        },
        attacks: {
          required: [],
          atLeastOne: ['tactic', 'technique', 'sub_technique'],
          known: ['tactic', 'technique', 'sub_technique', 'version'],
          objects: { tactic: named, technique: named },
        },
        related_events: {
          required: ['uid'],
          enums: { severity_id: severity },
          known: ['uid', 'title', 'type_name', 'severity_id', 'first_seen_time'],
        },
      },
    },
    evidences: {
      required: [],
      atLeastOne: ['connection_info', 'data', 'dst_endpoint', 'src_endpoint'],
      known: ['src_endpoint', 'dst_endpoint', 'connection_info', 'data'],
      objects: { src_endpoint: endpoint, dst_endpoint: endpoint, connection_info: connectionInfo },
    },
    resources: {
      required: [],
      atLeastOne: ['name', 'uid'],
      known: ['uid', 'name', 'type', 'namespace', 'owner'],
      objects: { owner: named },
    },
  },
  known: [
    ...event,
    ...controlled,
    'finding_info',
    'evidences',
    'resources',
    'confidence_score',
    'risk_score',
  ],
};

export const baseEvent: ObjectRules = {
  required,
  enums: { activity_id: [0, 99], category_uid: [0], class_uid: [0], severity_id: severity },
  objects: { metadata },
  known: event,
};

/** What is wrong with an event, as sentences; none when it is right. */
export function problemsOf(value: unknown, rules: ObjectRules, at = 'event'): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${at}: expected an object`];
  const fields = value as Record<string, unknown>;
  const problems: string[] = [];
  for (const name of rules.required) if (!(name in fields)) problems.push(`${at}.${name}: required`);
  if (rules.atLeastOne && !rules.atLeastOne.some((name) => name in fields))
    problems.push(`${at}: expected one of ${rules.atLeastOne.join(', ')}`);
  for (const [name, member] of Object.entries(fields)) {
    if (rules.known && !rules.known.includes(name)) problems.push(`${at}.${name}: not in the schema`);
    if (name.endsWith('_id') && !rules.enums?.[name])
      problems.push(`${at}.${name}: an enumeration nobody checks`);
    if (rules.enums?.[name] && !rules.enums[name].includes(member as number))
      problems.push(`${at}.${name}: ${String(member)} is none of ${rules.enums[name].join(', ')}`);
    if (/(^|_)time$/.test(name) && !Number.isSafeInteger(member)) problems.push(`${at}.${name}: no time`);
    const inner = rules.objects?.[name];
    if (inner)
      for (const [i, one] of (Array.isArray(member) ? member : [member]).entries())
        problems.push(...problemsOf(one, inner, `${at}.${name}[${i}]`));
  }
  return problems;
}
