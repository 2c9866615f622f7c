import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Alert, Incident } from '../../schema/records.ts';
import { toJson } from '../../sinks/records/json.ts';
import { kafka } from '../services/kafka.ts';
import { until } from '../services/process.ts';
import { weir, weirProcess } from './processes.ts';
import { netobservLines } from './traffic.ts';

const FLOWS = 30_000;
const LANES = 6;
const PATIENCE = { timeoutMs: 180_000, everyMs: 500 };

/** Groups of every kind: within an entity, across entities, of one field, of the whole cluster. */
const rules = [
  { groupBy: ['source.namespace'], when: { distinct: 'destination.ip >= 50', within: '10s' } },
  { groupBy: ['destination.port', 'verdict'], when: { count: '>= 200', within: '5s' } },
  {
    groupBy: ['source.entity', 'destination.entity'],
    when: { sequence: ['verdict : allow', 'verdict : deny'], within: '1m' },
  },
  { groupBy: ['destination.entity'], when: { sum: 'sourceBytes >= 60kB', within: '5s' } },
  { groupBy: [], when: { count: '>= 20', ratio: '>= 1.2', history: '4s', within: '1s' } },
].map((parts, i) => ({
  name: `rule${i}`,
  where: i === 4 ? 'verdict : deny' : 'verdict : *',
  severity: 'low',
  message: `{value} of {threshold} in rule ${i}`,
  ...parts,
}));

/** Two rules that see every flow: the one is changed for the other while they run. */
const each = (name: string): object => ({
  name,
  where: 'verdict : *',
  groupBy: ['destination.namespace'],
  when: { count: '>= 1', within: '1s' },
  severity: 'low',
  message: '{value} flows',
});

interface Revision {
  readonly id: string;
  readonly revision: number;
}

/** Records of a file by id and revision. */
function byRevision<T extends Revision>(path: string): Map<string, T> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return new Map(
    lines
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as T)
      .map((record) => [`${record.id}-${record.revision}`, record]),
  );
}

function newestOf<T extends Revision>(records: Iterable<T>): Map<string, T> {
  const newest = new Map<string, T>();
  for (const record of records)
    if (record.revision >= (newest.get(record.id)?.revision ?? -1)) newest.set(record.id, record);
  return newest;
}

/** Names the fields that differ, each as it is and as it should be: a diff of the whole would take minutes. */
function isSame(found: object | undefined, expected: object): void {
  const there: Readonly<Record<string, unknown>> = { ...found };
  for (const [key, value] of Object.entries(expected)) {
    const [is = 'nothing', should] = [there[key], value].map((each) => JSON.stringify(each));
    assert.ok(is === should, `${key} is ${is.slice(0, 1000)}\n, should be ${should!.slice(0, 1000)}`);
  }
}

/** What the one has and the other has not, in words. */
const only = (here: ReadonlyMap<string, Alert>, there: ReadonlyMap<string, Alert>): string[] =>
  [...here]
    .filter(([key]) => !there.has(key))
    .slice(0, 10)
    .map(
      ([, { rule, revision, action, firstMs, raisedMs, entity }]) =>
        `${rule} ${revision} ${action} ${firstMs} ${raisedMs} ${entity.key}`,
    );

test(
  'rules and incidents over Kafka are those of a replay, though a process is killed; then rules change and an incident is closed',
  { timeout: 600_000 },
  async (t) => {
    const service = await kafka(t, {});
    if (!service) return;
    const directory = mkdtempSync(join(tmpdir(), 'weir-'));
    const input = join(directory, 'flows.jsonl');
    const alertsOut = join(directory, 'alerts.jsonl');
    const incidentsOut = join(directory, 'incidents.jsonl');
    writeFileSync(input, `${[...netobservLines(FLOWS)].join('\n')}\n`);
    const topics = Object.fromEntries(
      ['flows', 'enriched', 'rekeyed', 'state'].map((key) => [
        key,
        { partitions: key === 'flows' ? 2 : LANES, replication: 1 },
      ]),
    );
    const config = {
      cluster: 'e2e',
      lanes: LANES,
      notifyMaxAge: '24h',
      kafka: {
        brokers: service.brokers,
        prefix: `r${process.pid}.`,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 20_000,
        topics,
      },
      watermarks: { inactiveAfter: '5s' },
      networks: { internal: ['10.0.0.0/8'] },
      sources: { flows: { type: 'netobserv', from: { file: { path: input, startAt: 'beginning' } } } },
      rules: { shipped: [], inline: [...rules, each('before')], checkEvery: '2s' },
      sinks: {
        alerts: { type: 'file', path: alertsOut, records: { alert: {} } },
        incidents: { type: 'file', path: incidentsOut, records: { incident: {} } },
      },
    };
    const write = (name: string, inline: readonly object[]): string => {
      const file = join(directory, `${name}.yaml`);
      const own = { state: { dir: join(directory, name) }, rules: { ...config.rules, inline } };
      writeFileSync(
        file,
        JSON.stringify({ ...config, ...own, kafka: { ...config.kafka, memberName: name } }),
      );
      return file;
    };
    const start = (name: string, ...args: string[]) => {
      mkdirSync(join(directory, name));
      const file = write(name, config.rules.inline);
      return {
        file,
        run: () => weirProcess(t, { name, args: ['run', '--config', file, ...args], directory }),
      };
    };
    const all = start('all');
    const made = await weir(['setup', 'kafka', '--config', all.file]);
    assert.equal(made.code, 0, made.out + made.err);
    const second = start('second', '--role', 'detectors').run();
    const first = all.run();
    // After the processes in it are gone, in the order in which hooks are registered.
    t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
    const said = (pattern: RegExp): RegExpExecArray | null => pattern.exec(first.log() + second.log());

    const replayed = join(directory, 'replayed.jsonl');
    const replayDir = { WEIR_STATE_DIR: join(directory, 'replay') };
    const replay = await weir(
      ['replay', '--source', 'netobserv', input, '--config', all.file, '--alerts', replayed, '-q'],
      replayDir,
    );
    assert.equal(replay.code, 0, replay.err);
    const expected = byRevision<Alert>(replayed);
    assert.deepEqual(
      [
        ...new Set([...expected.values()].flatMap(({ detector, rule }) => (detector === 'rule' ? rule : []))),
      ].sort(),
      ['before', ...rules.map(({ name }) => name)],
      'every rule fires',
    );
    const listed = await weir(
      ['incidents', 'list', '--replayed', '--limit', '9999', '--format', 'json'],
      replayDir,
    );
    const expectedIncidents = newestOf(
      listed.out
        .split('\n')
        .filter(Boolean)
        // As a sink writes it.
        .map((line) => JSON.parse(toJson('incident', JSON.parse(line) as Incident)) as Incident),
    );
    assert.ok(expectedIncidents.size > 5, `${expectedIncidents.size} incidents`);

    try {
      await until('some alerts', () => byRevision(alertsOut).size > 0, PATIENCE);
      await second.kill();
      second.start();
      await until(`${expected.size} revisions`, () => byRevision(alertsOut).size >= expected.size, PATIENCE);
      const found = byRevision<Alert>(alertsOut);
      assert.deepEqual([only(found, expected), only(expected, found)], [[], []]);
      for (const [key, alert] of expected) isSame(found.get(key), alert);

      const joined = (): Map<string, Incident> => newestOf(byRevision<Incident>(incidentsOut).values());
      const isJoined = (): boolean =>
        [...expectedIncidents].every(([id, { revision }]) => (joined().get(id)?.revision ?? -1) >= revision);
      await until(`${expectedIncidents.size} incidents`, isJoined, PATIENCE);
      assert.equal(joined().size, expectedIncidents.size);
      const there = joined();
      for (const [id, incident] of expectedIncidents) isSame(there.get(id), incident);

      // Somebody closes one of them: whichever process joins its alerts takes it up.
      const [id] = expectedIncidents.keys();
      const closed = await weir(
        ['incidents', 'close', `--reason=known`, '--by', 'ann', '--config', all.file, '--', id!],
        replayDir,
      );
      assert.equal(closed.code, 0, closed.err);
      await until('the incident is closed', () => joined().get(id!)?.state === 'closed', PATIENCE);
      assert.deepEqual([joined().get(id!)!.decidedBy, joined().get(id!)!.reason], ['ann', 'known']);

      // Traffic of now, in the middle of which a rule is changed for another.
      let sent = 0;
      const sinceMs = Date.now();
      const send = (): void => {
        const nowMs = Date.now();
        const lines = [...netobservLines(200, ++sent)].map((line) => {
          const flow = JSON.parse(line) as Record<string, number>;
          flow['TimeFlowEndMs'] = nowMs - 100;
          flow['TimeFlowStartMs'] = nowMs - 200;
          return JSON.stringify(flow);
        });
        appendFileSync(input, `${lines.join('\n')}\n`);
      };
      const isIn = (name: string): boolean =>
        [...byRevision<Alert>(alertsOut).values()].some(
          ({ rule, lastMs }) => rule === name && lastMs >= sinceMs,
        );
      await until('traffic of now is judged', () => (send(), isIn('before')), { ...PATIENCE, everyMs: 500 });
      for (const name of ['all', 'second']) write(name, [...rules, each('after')]);
      await until('the new rule', () => (send(), isIn('after')), { ...PATIENCE, everyMs: 500 });
      const change = said(/"from":"([^"]+)"[^\n]*"msg":"rules changed"/);
      assert.ok(change, 'a process says from when on they are in force');
      const fromMs = Date.parse(change[1]!);
      const late = [...byRevision<Alert>(alertsOut).values()].filter(({ lastMs }) => lastMs >= sinceMs);
      for (const { rule, firstMs, lastMs } of late) {
        if (rule === 'before') assert.ok(lastMs < fromMs, `${rule} at ${lastMs}, changed at ${fromMs}`);
        if (rule === 'after') assert.ok(firstMs >= fromMs, `${rule} at ${firstMs}, in force from ${fromMs}`);
      }

      // What is learned of history reaches every process that has lanes, while it runs.
      const args = ['baseline', '--from', input, '--source', 'netobserv', '--config', all.file, '-q'];
      const learned = await weir(args, replayDir);
      assert.equal(learned.code, 0, learned.err);
      await until(
        'both know',
        () => [first, second].every((one) => one.log().includes('know what was learned of history')),
        PATIENCE,
      );
    } catch (error) {
      console.error(String(error).slice(0, 4000));
      for (const one of [first, second]) console.error(`--- ${one.name}\n${one.log().slice(-3000)}`);
      throw error;
    }
  },
);
