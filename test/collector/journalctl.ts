import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from '../helpers/directory.ts';

/** A program that answers as journalctl would. Its path. */
export function journalctl(
  t: TestContext,
  journal: readonly { readonly number: number; readonly text: string }[],
): string {
  const path = join(temporaryDirectory(t), 'journalctl');
  const entries = journal.map(({ number, text }) =>
    JSON.stringify({
      __CURSOR: `s=abc;i=${number.toString(16)};b=1;m=2;t=3;x=4`,
      __REALTIME_TIMESTAMP: String(1_718_000_000_000_000 + number),
      _HOSTNAME: 'node-1',
      MESSAGE: text,
    }),
  );
  writeFileSync(
    path,
    `#!${process.execPath}
const entries = ${JSON.stringify(entries)};
const lines = process.argv.includes('--lines=1') ? entries.slice(-1) : entries;
const cursor = process.argv.find((arg) => arg.startsWith('--cursor='));
const from = cursor ? parseInt(/i=([0-9a-f]+)/.exec(cursor)[1], 16) : 0;
for (const line of lines) if (parseInt(/;i=([0-9a-f]+)/.exec(line)[1], 16) >= from) console.log(line);
`,
  );
  chmodSync(path, 0o755);
  return path;
}
