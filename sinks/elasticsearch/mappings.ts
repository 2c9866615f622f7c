/** Mapping of every field the documents of this folder hold; names and types are those of ECS where ECS has them. */
type Mapping = Readonly<Record<string, unknown>>;

const keyword = { type: 'keyword', ignore_above: 1024 } as const;
const long = { type: 'long' } as const;
const float = { type: 'float' } as const;
const date = { type: 'date' } as const;
const ip = { type: 'ip' } as const;
const boolean = { type: 'boolean' } as const;
const text = { type: 'match_only_text' } as const;
/** Labels are named by others: one field for all of them, so that they cannot exhaust the limit of fields. */
const labels = { type: 'flattened', ignore_above: 1024 } as const;

const object = (properties: Mapping): Mapping => ({ properties });
const keywords = (...names: readonly string[]): Mapping =>
  Object.fromEntries(names.map((name) => [name, keyword]));

const side = object({
  ...keywords('address', 'domain'),
  ip,
  port: long,
  bytes: long,
  packets: long,
  geo: object(keywords('country_iso_code')),
  as: object({ number: long, organization: object(keywords('name')) }),
});

const identity = object({
  ...keywords(
    'kind',
    'network',
    'namespace',
    'pod',
    'workload_kind',
    'workload',
    'entity',
    'service_account',
    'node',
    'zone',
    'network_set',
    'account',
    'instance',
    'tenant',
    'scopes',
    'owner',
  ),
  labels,
});

const party = object({ ...keywords('kind', 'key', 'namespace', 'name'), ip, port: long });
const technique = keywords('id', 'name', 'reference');

const weir = object({
  ...keywords(
    'collector',
    'origin',
    'reporter',
    'unit',
    'verdict',
    'verdict_raw',
    'tenant',
    'tenants',
    'scopes',
    'owner',
  ),
  position: long,
  aggregated: long,
  sampling_rate: long,
  counted: boolean,
  tcp_flags: long,
  initiator_guessed: boolean,
  malformed: boolean,
  inventory_stale: boolean,
  icmp: object({ type: long, code: long }),
  connections: object({ started: long, completed: long, live: long }),
  source: identity,
  destination: identity,
  entity: party,
  target: party,
  service: object(keywords('namespace', 'name', 'port_name')),
  policy: object({
    ...keywords('namespace', 'name', 'kind', 'tier', 'direction', 'action', 'trace'),
    staged: boolean,
    truncated: boolean,
    inferred: boolean,
  }),
  alert: object({
    ...keywords(
      'id',
      'action',
      'status',
      'detector',
      'severity',
      'outcome',
      'coverage',
      'content_version',
      'suppressed_by',
      'incident',
      'flow_ids',
      'record_ids',
      'peers',
      'policies',
    ),
    factors: text,
    flows: text,
    search: text,
    ports: long,
    revision: long,
    count: long,
    history_ms: long,
    score: float,
    learning: boolean,
    historical: boolean,
  }),
  incident: object({
    ...keywords('id', 'status', 'severity', 'tactics', 'alert_ids'),
    alerts: text,
    normal: text,
    question: text,
    query: text,
    revision: long,
    score: float,
  }),
  policy_change: object(keywords('verb', 'before', 'after', 'logging')),
  loss: object({ ...keywords('where', 'why'), count: long, from: long, to: long }),
  access: object({ rows: long }),
});

export const mappings = {
  dynamic: true,
  date_detection: false,
  dynamic_templates: [{ strings_as_keyword: { match_mapping_type: 'string', mapping: keyword } }],
  properties: {
    '@timestamp': date,
    ecs: object(keywords('version')),
    message: text,
    tags: keyword,
    event: object({
      ...keywords(
        'id',
        'kind',
        'module',
        'dataset',
        'provider',
        'category',
        'type',
        'action',
        'outcome',
        'reason',
      ),
      ...keywords('reference', 'url'),
      severity: long,
      risk_score: float,
      start: date,
      end: date,
      created: date,
      ingested: date,
      duration: long,
    }),
    log: object(keywords('level')),
    host: object(keywords('name')),
    user: object(keywords('name', 'roles')),
    user_agent: object(keywords('original')),
    observer: object(keywords('vendor', 'product', 'type', 'version', 'hostname')),
    orchestrator: object({ ...keywords('type'), cluster: object(keywords('name')) }),
    kubernetes: object({
      ...keywords('namespace'),
      pod: object(keywords('name')),
      node: object(keywords('name')),
      service: object(keywords('name')),
    }),
    source: side,
    destination: side,
    network: object({
      ...keywords('community_id', 'transport', 'iana_number', 'type', 'direction'),
      bytes: long,
      packets: long,
    }),
    rule: object(keywords('id', 'name', 'ruleset', 'category', 'version')),
    threat: object({
      ...keywords('framework'),
      tactic: object(keywords('id', 'name')),
      technique: object({ ...technique, subtechnique: object(technique) }),
    }),
    related: object({ ip }),
    http: object({ request: object(keywords('method')), response: object({ status_code: long }) }),
    url: object(keywords('path')),
    dns: object({ question: object(keywords('name')) }),
    weir,
  },
} as const;
