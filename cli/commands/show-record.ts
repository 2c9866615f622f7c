import { jsonLine } from '../format/json.ts';
import { print, type Format } from './ask.ts';
import { exit, UsageError, type World } from './command.ts';

/** A record that has revisions, and how a person reads them. */
export interface Shown<T> {
  /** As in its command: `alert`, `incident`. */
  readonly name: string;
  readonly revisions: (id: string) => Promise<readonly T[]>;
  readonly details: (revisions: readonly T[], world: World) => string;
}

/** Prints one record with its revisions, or says that there is none of this id. */
export async function showRecord<T extends object>(
  { name, revisions, details }: Shown<T>,
  id: string | undefined,
  { format, banner }: { readonly format: Format; readonly banner: string },
  world: World,
): Promise<number> {
  if (id === undefined) throw new UsageError(`which ${name}? Give the id that weir ${name}s list shows`);
  const found = await revisions(id);
  if (found.length === 0) {
    world.stderr.write(`weir: there is no ${name} ${id}\n`);
    return exit.failed;
  }
  if (format === 'json') await print(world, found.map(jsonLine).join(''));
  else await print(world, `${banner && `${banner}\n`}${details(found, world)}\n`);
  return exit.fine;
}
