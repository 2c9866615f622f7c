import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package.ts';
import { exit, UsageError, type Command } from './command.ts';
import { print } from './ask.ts';

const usage = `weir docs [PAGE]

Prints a page of the documentation that comes with this version; without a page, what there is.`;

export const docs: Command = {
  summary: 'read the documentation',
  usage,
  async run(args, world) {
    const folder = join(packageRoot(), 'docs');
    const pages = pagesOf(folder, '');
    const page = args[0];
    if (page === undefined) {
      await print(world, `${pages.join('\n')}\n`);
      return exit.fine;
    }
    const path = join(folder, `${page}.md`);
    if (!pages.includes(page) || !existsSync(path))
      throw new UsageError(`there is no page '${page}': expected ${pages.join(', ')}`);
    await print(world, readFileSync(path, 'utf8'));
    return exit.fine;
  },
};

function pagesOf(folder: string, prefix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return pagesOf(join(folder, entry.name), `${prefix}${entry.name}/`);
    return entry.name.endsWith('.md') ? [`${prefix}${entry.name.slice(0, -3)}`] : [];
  });
}
