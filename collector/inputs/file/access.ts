import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { WeirError } from '../../../pipeline/errors.ts';

function whoAmI(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    return String(process.getuid?.() ?? 'weir');
  }
}

/** The error for a file that cannot be read, with the command that grants it. */
export function unreadable(path: string, error: unknown): WeirError {
  const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
  const who = whoAmI();
  const how =
    code === 'EACCES' || code === 'EPERM'
      ? `; user ${who} may not read it, this grants it: sudo setfacl -m u:${who}:rx '${dirname(path)}' && sudo setfacl -m u:${who}:r '${path}'`
      : code === 'ENOENT'
        ? '; no such file'
        : code === 'EISDIR'
          ? `; it is a directory, give a pattern such as '${path}/*.log'`
          : '';
  return new WeirError('origin_unreadable', `${path}: cannot be read (${code})${how}`, { cause: error });
}
