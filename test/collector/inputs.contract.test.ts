import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { create as createFile } from '../../collector/inputs/file/index.ts';
import { options as fileOptions } from '../../collector/inputs/file/options.ts';
import { create as createJournald } from '../../collector/inputs/journald/index.ts';
import { options as journaldOptions } from '../../collector/inputs/journald/options.ts';
import { create as createStdin } from '../../collector/inputs/stdin/index.ts';
import { options as stdinOptions } from '../../collector/inputs/stdin/options.ts';
import { sourceContract } from '../contracts/sourceContract.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { journalctl } from './journalctl.ts';

const context = { ...testContext(), follow: false };
const lines = Array.from({ length: 3000 }, (_, i) => `line ${i} ${'x'.repeat(i % 90)}`);

for (const compressed of [false, true])
  sourceContract({
    name: compressed ? 'file, compressed' : 'file',
    lines,
    holding(t, held) {
      const path = join(temporaryDirectory(t), compressed ? 'x.log.1.gz' : 'x.log');
      const content = held.map((line) => `${line}\n`).join('');
      writeFileSync(path, compressed ? gzipSync(content) : content);
      return Promise.resolve({ open: () => createFile(fileOptions.parse({ path }), context) });
    },
  });

sourceContract({
  name: 'stdin',
  lines,
  holding(_t, held) {
    const bytes = Buffer.from(held.map((line) => `${line}\n`).join(''));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 700) }, (_, i) =>
      bytes.subarray(i * 700, i * 700 + 700),
    );
    return Promise.resolve({
      open: () =>
        createStdin(stdinOptions.parse({}), {
          ...context,
          stdin: Readable.from(pieces, { objectMode: false }),
        }),
    });
  },
});

sourceContract({
  name: 'journald',
  lines: lines.slice(0, 300),
  holding(t, held) {
    // Numbers of a journal have gaps: entries of other units.
    const command = journalctl(
      t,
      held.map((text, i) => ({ number: 5 + 3 * i, text })),
    );
    return Promise.resolve({ open: () => createJournald(journaldOptions.parse({ command }), context) });
  },
});
