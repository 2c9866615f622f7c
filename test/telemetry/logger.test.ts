import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../telemetry/logger.ts';
import { options } from '../../telemetry/options.ts';
import { WeirError } from '../../pipeline/errors.ts';

function captured(isTTY = false) {
  const lines: string[] = [];
  return { lines, stream: { isTTY, write: (text: string) => lines.push(text) } };
}

test('away from a terminal each message is one JSON line with time, level and fields', () => {
  const { lines, stream } = captured();
  const log = createLogger(options.parse({}), { stream });
  log.info({ sink: 'siem', records: 3 }, 'sink connected');
  log.debug({}, 'not written');
  const entry = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.equal(lines.length, 1);
  assert.equal(entry['level'], 'info');
  assert.equal(entry['msg'], 'sink connected');
  assert.equal(entry['sink'], 'siem');
  assert.equal(entry['records'], 3);
  assert.match(String(entry['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal('pid' in entry || 'hostname' in entry, false);
});

test('on a terminal each message is one readable line', () => {
  const { lines, stream } = captured(true);
  const log = createLogger(options.parse({ level: 'debug' }), { stream, env: { NO_COLOR: '1' } });
  log.warn(
    { place: '/var/log/a.log', reason: 'two words', error: new WeirError('disk_full', 'no room') },
    'origin unreadable',
  );
  assert.match(
    lines[0]!,
    /^\d\d:\d\d:\d\d warn {2}origin unreadable place=\/var\/log\/a\.log reason="two words" error="WeirError disk_full: no room"\n$/,
  );
  const coloured = captured(true);
  createLogger(options.parse({}), { stream: coloured.stream, env: {} }).error({}, 'failed');
  assert.ok(coloured.lines[0]!.includes('\u001b[31m'));
});

test('what was observed cannot write to the terminal or forge a line', () => {
  const { lines, stream } = captured(true);
  const log = createLogger(options.parse({}), { stream, env: { NO_COLOR: '1' } });
  log.info({ pod: 'a\nERROR forged \u001b[2J\u202e' }, 'flow seen');
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0]!.slice(0, -1), /[\p{Cc}\u202e]/u);
});

test('secrets are redacted by name, by look and by value, at any depth', () => {
  const { lines, stream } = captured();
  const log = createLogger(options.parse({}), { stream, secrets: ['hunter2-hunter2', 'abc'] });
  const cause = new Error('GET https://user:pw123@es:9200 failed with hunter2-hunter2');
  log.error(
    {
      password: 'p1-secret',
      auth: { apiKey: 'p2-secret', token: 'p3-secret', username: 'weir' },
      headers: { Authorization: 'Basic cDQtc2VjcmV0', accept: 'abc' },
      list: [{ clientSecret: 'p5-secret' }],
      pem: '-----BEGIN EC PRIVATE KEY-----\np6-secret\n-----END EC PRIVATE KEY-----',
      text: 'Authorization: Bearer p7-secret-p7',
      error: new Error('outer', { cause }),
      key: 'prod/shop/Deployment/web',
    },
    'request failed',
  );
  const text = lines.join('');
  assert.doesNotMatch(text, /p\d-secret|cDQtc2VjcmV0|pw123|hunter2/);
  const entry = JSON.parse(text) as { key: string; auth: { username: string }; headers: { accept: string } };
  assert.equal(entry.key, 'prod/shop/Deployment/web');
  assert.equal(entry.auth.username, 'weir');
  assert.equal(entry.headers.accept, 'abc');
});

test('any value can be logged', () => {
  const { lines, stream } = captured();
  const log = createLogger(options.parse({}), { stream });
  const circular: Record<string, unknown> = { n: 1n, bytes: Buffer.from('secret'), map: new Map([['a', 1]]) };
  circular['self'] = circular;
  log.info(circular, 'odd values');
  log.info(new Error('as fields'), 'an error');
  log.info({ long: 'x'.repeat(100_000), none: undefined, nothing: null }, 'long');
  assert.equal(lines.length, 3);
  for (const line of lines) assert.ok(line.length < 20_000 && JSON.parse(line));
});
