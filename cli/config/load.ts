import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { messageOf } from '../../pipeline/errors.ts';
import type { options as enricherOptions } from '../../enricher/options.ts';
import type { options as kafkaOptions } from '../../transport/kafka/options.ts';
import { parseComponent, isFields } from './component.ts';
import type { Config, Role, SinkConfig } from './config.ts';
import { unknownKey } from './explain.ts';
import { ConfigError, problemLines, shown, type Path, type Problem } from './problems.ts';
import { redact, secretValues } from './redact.ts';
import { pathKey, resolveReferences } from './references.ts';
import { parseRules } from './rules.ts';
import { notYet, top, type Registries } from './schema.ts';
import { keepsReference } from './secret-paths.ts';
import { parseDetectors, parseSinks, parseSources } from './sections.ts';
import { parseSuppressions } from './suppressions.ts';
import { parseYaml } from './yaml.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface LoadOptions {
  readonly env: Env;
  readonly registries: Registries;
  /**
   * The role that will run; null for all. A reference that cannot be followed in a section of another role is no
   * problem: each role is given its own secrets only.
   */
  readonly role?: Role | null;
  /** For looking at a file on a machine that is not given the secrets: what cannot be followed is a warning. */
  readonly withoutSecrets?: boolean;
  /** What `until` of a suppression is held against; the clock of this machine by default. */
  readonly nowMs?: number;
}

const defaultLanes = 12;

/** Sections that only one role reads. */
const sectionRoles: Readonly<Record<string, Role>> = {
  sources: 'collector',
  inventory: 'enricher',
  detectors: 'detectors',
  sinks: 'sinks',
};

/** Reads and checks a configuration file. Throws ConfigError with every problem there is, in document order. */
export function loadConfig(path: string, options: LoadOptions): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`${path}: the configuration cannot be read: ${messageOf(error)}`]);
  }
  return parseConfig(text, { ...options, file: path });
}

/** Checks the text of a configuration; `file` is what messages call it, and references are relative to it. */
export function parseConfig(text: string, options: LoadOptions & { readonly file: string | null }): Config {
  const { file, env, registries } = options;
  const name = file ?? 'configuration';
  const document = parseYaml(text, name);
  const raw = document.value ?? {};
  if (!isFields(raw))
    throw new ConfigError([`${name}:1:1: found ${shown(raw)}, expected a mapping of sections`]);

  const problems: Problem[] = [];
  const folder = file === null ? process.cwd() : dirname(resolve(file));
  const resolved = resolveReferences(raw, {
    env,
    folder,
    keep: (path) => keepsReference(raw, path, registries),
  });
  const value = resolved.value as Record<string, unknown>;
  const report = (problem: Problem): void => void problems.push(problem);
  const rules = parseRules(
    value['rules'],
    { file, folder, ownFiles: options.role !== 'collector' && options.role !== 'sinks' },
    report,
  );
  const config = { ...build(value, options, report), rules: rules.config };

  const ofOtherRole = (path: Path): boolean => {
    // Only `weir setup kibana` signs in; what runs makes links.
    if (path[0] === 'kibana' && path[1] !== 'url') return options.role != null;
    const role = sectionRoles[String(path[0])];
    return options.role != null && role !== undefined && role !== options.role;
  };
  const isUnresolved = (path: Path): boolean => resolved.unresolved.has(pathKey(path));
  const unfollowed = resolved.problems.filter((problem) => !ofOtherRole(problem.path));
  const all = [
    ...(options.withoutSecrets === true ? [] : unfollowed),
    // The text of a reference that could not be followed is no value to be judged.
    ...problems
      .filter((problem) => !isUnresolved(problem.path))
      .map((problem) => hideSecret(problem, resolved.secrets)),
  ];
  const linesOf = (some: readonly Problem[]): string[] =>
    problemLines(name, some, (path, atKey) => document.positionOf(path, atKey));
  if (all.length + rules.problems.length > 0) throw new ConfigError([...linesOf(all), ...rules.problems]);
  return {
    ...config,
    secrets: secretValues(value, resolved.secrets, registries),
    warnings: linesOf(unfollowed),
    shown: redact(config, value, resolved.secrets, registries),
  };
}

/** A value that came from a reference is never put in a message. */
const hideSecret = (problem: Problem, secrets: ReadonlySet<string>): Problem =>
  secrets.has(pathKey(problem.path))
    ? {
        ...problem,
        message: problem.message.replace(
          /^found '.*', expected /s,
          'found a value that is not shown, expected ',
        ),
      }
    : problem;

function build(
  value: Record<string, unknown>,
  options: LoadOptions & { file: string | null },
  report: (problem: Problem) => void,
): Omit<Config, 'rules'> {
  const { registries, env } = options;
  const { sources, detectors, rules: _, suppressions, sinks, kafka, ...rest } = value;
  const enricherKeys = Object.keys(registries.enricher.shape);
  const general: Record<string, unknown> = {};
  const enriching: Record<string, unknown> = {};
  const known = [
    ...Object.keys(top.shape),
    ...enricherKeys,
    'sources',
    'detectors',
    'rules',
    'suppressions',
    'sinks',
    'kafka',
  ];
  for (const [key, item] of Object.entries(rest)) {
    if (enricherKeys.includes(key)) enriching[key] = item;
    else if (key in top.shape) general[key] = item ?? undefined;
    else if (key in notYet)
      report({
        path: [key],
        message: `${notYet[key]} are not available yet: remove this section`,
        atKey: true,
      });
    else report(unknownKey([key], key, known));
  }
  const nothing = top.pick({});
  const first = parseComponent(general, [], nothing, top);
  const enricher = parseComponent(enriching, [], nothing, registries.enricher);
  first.problems.concat(enricher.problems).forEach(report);
  const overKafka = kafka === undefined || kafka === null ? null : parseKafka(kafka, registries, report);
  const settings = (first.options ?? top.parse({})) as z.output<typeof top>;

  const lanes = settings.lanes ?? overKafka?.lanes ?? defaultLanes;
  const kafkaLanes = isFields(kafka) ? kafka['lanes'] : undefined;
  if (kafkaLanes !== undefined && settings.lanes !== undefined && kafkaLanes !== settings.lanes)
    report({
      path: ['kafka', 'lanes'],
      message: `found ${shown(kafkaLanes)}, but lanes is ${settings.lanes}: expected the same, or one of them`,
    });
  for (const key of ['enriched', 'rekeyed', 'state'] as const) {
    const partitions = overKafka?.topics[key]?.partitions;
    if (partitions !== undefined && partitions !== lanes)
      report({
        path: ['kafka', 'topics', key, 'partitions'],
        message: `found ${partitions}, expected ${lanes}: one for each lane`,
      });
  }

  const dir = settings.state.dir ?? defaultStateDir(env);
  return {
    file: options.file,
    cluster: settings.cluster,
    node: settings.node,
    state: { dir: resolve(dir), maxBytes: settings.state.maxBytes },
    lanes,
    kafka: overKafka === null ? null : { ...overKafka, lanes },
    enricher: enricher.options as z.output<typeof enricherOptions>,
    sources: parseSources(sources, registries, settings, report),
    detectors: parseDetectors(detectors, registries, report),
    suppressions: parseSuppressions(suppressions, options.nowMs ?? Date.now(), report),
    incidents: settings.incidents,
    sinks: parseSinks(sinks, registries, report).map((sink) => withStoreDir(sink, dir)),
    kibana: settings.kibana ?? null,
    log: settings.log,
    listen: { metrics: settings.listen.metrics, api: settings.listen.api ?? null },
    watermarks: settings.watermarks,
    notifyMaxAgeMs: settings.notifyMaxAge,
    secrets: [],
    warnings: [],
    shown: {},
  };
}

/** A store that names no directory is in the state directory, where `search` looks for it. */
function withStoreDir(sink: SinkConfig, stateDir: string): SinkConfig {
  if (sink.type !== 'store' || !isFields(sink.options)) return sink;
  const dir = sink.options['dir'];
  return {
    ...sink,
    options: { ...sink.options, dir: resolve(stateDir, typeof dir === 'string' ? dir : 'store') },
  };
}

function parseKafka(
  value: unknown,
  { kafka }: Registries,
  report: (problem: Problem) => void,
): z.output<typeof kafkaOptions> | null {
  if (!isFields(value)) {
    report({
      path: ['kafka'],
      message: `found ${shown(value)}, expected a mapping (${Object.keys(kafka.shape).slice(0, 4).join(', ')}, …)`,
    });
    return null;
  }
  const parsed = parseComponent(value, ['kafka'], kafka.pick({}), kafka);
  parsed.problems.forEach(report);
  return parsed.options as z.output<typeof kafkaOptions> | null;
}

/** `$WEIR_STATE_DIR`, else the XDG state directory. */
export function defaultStateDir(env: Env): string {
  if (env['WEIR_STATE_DIR']) return env['WEIR_STATE_DIR'];
  const base = env['XDG_STATE_HOME'];
  return resolve(
    base !== undefined && base.startsWith('/') ? base : resolve(env['HOME'] ?? homedir(), '.local/state'),
    'weir',
  );
}
