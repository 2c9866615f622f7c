import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { compileQuery } from '../../query/index.ts';

const PATH = 'detectors/known-good/kubernetes.yaml';

const schema = z.array(
  z.strictObject({
    name: z.string().regex(/^[a-z0-9-]+$/),
    group: z.string().regex(/^[a-z]+$/),
    why: z.string().min(10),
    where: z.string().min(1),
  }),
);

/** detectors/known-good/entries.ts: the entries as a module, so that nothing is read or parsed at run time. */
export function knownGood(): string {
  const entries = schema.parse(parse(readFileSync(PATH, 'utf8')));
  const names = new Set<string>();
  for (const { name, where } of entries) {
    if (names.has(name)) throw new Error(`${PATH}: two entries are called ${name}`);
    names.add(name);
    compileQuery('flow', where);
  }
  const lines = entries.map((entry) => `  ${JSON.stringify(entry)},`);
  return `// Generated from ${PATH} by \`npm run generate\`. Do not edit.\n\nexport const entries = [\n${lines.join('\n')}\n] as const;\n`;
}
