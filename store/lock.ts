import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WeirError } from '../pipeline/errors.ts';
import { isRunning, thisProcess, type Owner } from '../pipeline/owner.ts';

const held = new Set<string>();

/**
 * Makes this process the owner of a directory, by a file that names it; `what` is in the message. A lock whose
 * process is gone, or whose process id was given to another since, is taken over. Returns what gives the directory
 * up again. Throws `state_unusable` naming the process that holds it.
 */
export function lockDirectory(dir: string, what = `the store in ${dir}`): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'lock');
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, JSON.stringify(thisProcess()), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 3) throw error;
      const pid = lockOwner(dir);
      if (pid !== null) {
        throw new WeirError('state_unusable', `${what} is in use by process ${pid}`);
      }
      rmSync(path, { force: true });
    }
  }
  held.add(path);
  return () => {
    if (held.delete(path)) rmSync(path, { force: true });
  };
}

/** The living process that a directory belongs to; null when there is none. */
export function lockOwner(dir: string): number | null {
  const path = join(dir, 'lock');
  let lock: Owner;
  try {
    lock = JSON.parse(readFileSync(path, 'utf8')) as typeof lock;
  } catch {
    return null;
  }
  if (lock.pid === process.pid) return held.has(path) ? lock.pid : null;
  return isRunning(lock) ? lock.pid : null;
}
