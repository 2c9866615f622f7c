import { WeirError, messageOf } from '../../pipeline/errors.ts';

const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const WRONG = ['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'];

/** What a failed file operation means: a full disk and an I/O error may mend, a path that cannot be written does not. */
export function fileError(error: unknown, path: string): WeirError {
  if (error instanceof WeirError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const kind = FULL.includes(code)
    ? 'disk_full'
    : WRONG.includes(code)
      ? 'sink_misconfigured'
      : 'sink_unavailable';
  return new WeirError(kind, `cannot write ${path}: ${messageOf(error)}`, { cause: error });
}
