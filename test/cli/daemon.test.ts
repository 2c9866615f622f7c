import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { weir, weirProcess, type WeirProcess } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { freePort, until } from '../services/process.ts';

interface Daemon {
  readonly process: WeirProcess;
  readonly config: string;
  readonly directory: string;
  readonly input: string;
  readonly output: string;
  ask: (command: string, ...args: readonly string[]) => ReturnType<typeof weir>;
  stored: () => Promise<string[]>;
}

/** `weir run` over its local log: a store, a file, and a SIEM that nobody answers for. */
async function daemon(t: TestContext, flows: readonly string[]): Promise<Daemon> {
  const directory = temporaryDirectory(t);
  const input = join(directory, 'in.jsonl');
  const output = join(directory, 'out.jsonl');
  const config = join(directory, 'weir.yaml');
  writeFileSync(input, flows.map((line) => `${line}\n`).join(''));
  writeFileSync(
    config,
    JSON.stringify({
      state: { dir: join(directory, 'state') },
      sources: { net: { type: 'netobserv', from: { file: { path: input, startAt: 'beginning' } } } },
      detectors: { port_scan: {}, policy_denied: {} },
      sinks: {
        store: { type: 'store' },
        out: { type: 'file', path: output, records: { flow: {} } },
        siem: {
          type: 'syslog',
          to: [`tcp://127.0.0.1:${await freePort()}`],
          format: 'json',
          records: { flow: {} },
        },
      },
    }),
  );
  const process = weirProcess(t, { name: 'weir', args: ['run', '--config', config], directory });
  const ask: Daemon['ask'] = (command, ...args) => weir([command, ...args, '--config', config]);
  return {
    process,
    config,
    directory,
    input,
    output,
    ask,
    async stored() {
      const { out } = await ask('search', '--since', '7d', '--format', 'json');
      return out
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { id: string }).id);
    },
  };
}

const holds = (d: Daemon, count: number): Promise<void> =>
  until(`${count} flows in the store`, async () => (await d.stored()).length >= count, {
    timeoutMs: 30_000,
    everyMs: 200,
  });

test('a running weir answers; a sink that is down stops no other', async (t) => {
  const d = await daemon(t, [...netobservLines(2000)]);
  await holds(d, 2000);

  const status = await d.ask('status');
  assert.equal(status.code, 3, 'a sink that is down is a finding');
  assert.match(status.out, /net +netobserv +2,000 +2,000/);
  assert.match(status.out, /store +store +ok +2,0/);
  assert.match(status.out, /siem +syslog +down .*ECONNREFUSED/);

  const denied = await d.ask('search', 'verdict : deny', '--since', '7d', '--format', 'json');
  const flow = JSON.parse(denied.out.split('\n')[0]!) as { endMs: number; source: { ip: string } };
  const at = new Date(flow.endMs).toISOString();
  const atThatTime = await d.ask('search', '--at', at, '--format', 'json');
  assert.ok(atThatTime.out.includes(String(flow.endMs)));
  const talked = await d.ask(
    'search',
    '--talked-to',
    flow.source.ip,
    '--from',
    at,
    '--to',
    at,
    '--format',
    'csv',
  );
  const [header, row] = talked.out.split('\r\n');
  assert.match(header!, /^time,start,verdict,protocol,source\.ip,/);
  assert.ok(row?.includes(flow.source.ip), talked.out);
  const table = await d.ask('search', '--since', '7d', '--limit', '2');
  assert.match(table.out, /^TIME +VERDICT .*\n.*\n.*\n2 flows/);

  const observing = d.ask('observe', 'verdict : deny', '--limit', '1');
  const more = [...netobservLines(4200, 9)].slice(4000);
  await until('an observed flow', async () => {
    appendFileSync(
      d.input,
      more
        .splice(0, 20)
        .map((line) => `${line}\n`)
        .join(''),
    );
    return Promise.race([observing.then(() => true), new Promise<false>((r) => setTimeout(r, 300, false))]);
  });
  assert.match((await observing).out, /DENY/);

  const check = await d.ask('check');
  assert.equal(check.code, 3);
  assert.match(check.out, /^FAIL +sink siem .*\n.*ECONNREFUSED/m);
  assert.match(check.out, /^ok +source net/m);

  const second = await weir(['run', '--config', d.config]);
  assert.equal(second.code, 1);
  assert.match(second.err, /is in use by process \d+/);

  const begunMs = Date.now();
  assert.equal(await d.process.stop(), 0, d.process.log());
  assert.ok(Date.now() - begunMs < 5000, 'it ends within seconds');

  const text = readFileSync(d.config, 'utf8');
  writeFileSync(d.config, JSON.stringify({ ...(JSON.parse(text) as object), lanes: 6 }));
  const lanes = await weir(['run', '--config', d.config]);
  assert.equal(lanes.code, 1);
  assert.match(lanes.err, /12 lanes, the configuration says 6.*rm -r /);
});

test('killed again and again, the store and the file hold every flow, and the store holds it once', async (t) => {
  const all = [...netobservLines(6000)];
  const d = await daemon(t, all.slice(0, 1000));
  for (let part = 1; part < 6; part++) {
    appendFileSync(
      d.input,
      all
        .slice(part * 1000, (part + 1) * 1000)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await new Promise((resolve) => setTimeout(resolve, 300 + part * 150));
    await d.process.kill();
    d.process.start();
  }
  await holds(d, 6000);
  const stored = await d.stored();
  assert.equal(stored.length, 6000);
  assert.equal(new Set(stored).size, 6000);
  await until('the file to hold all', () => {
    const ids = readFileSync(d.output, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'));
    return new Set(ids.map((line) => (JSON.parse(line) as { id: string }).id)).size === 6000;
  });
  assert.equal(await d.process.stop(), 0, d.process.log());
});

test('the demo says that it is one, and shows flows and an alert within 15 seconds', async (t) => {
  const directory = temporaryDirectory(t);
  const begunMs = Date.now();
  const demo = weirProcess(t, {
    name: 'demo',
    args: ['run', '--demo'],
    directory,
    env: { WEIR_STATE_DIR: join(directory, 'state') },
  });
  await until(
    'an alert and denied flows',
    () => /ALERT|port_scan|policy_denied/i.test(demo.log()) && /DENY/.test(demo.log()),
    {
      timeoutMs: 15_000,
      everyMs: 100,
    },
  );
  assert.ok(Date.now() - begunMs < 15_000);
  assert.match(demo.log(), /DEMO/);
  const list = await weir(['alerts', 'list'], { WEIR_STATE_DIR: join(directory, 'state') });
  assert.equal(list.code, 0, list.err);
  assert.match(list.out, /DEMO/);
  assert.equal(await demo.stop(), 0);
});
