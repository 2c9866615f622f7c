import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WeirError } from '../pipeline/errors.ts';

const held = new Set<string>();

/**
 * Makes this process the owner of a directory, by a file that names it; `what` is in the message. A lock whose process is gone, or whose
 * process id was given to another since, is taken over. Returns what gives the directory up again. Throws
 * `state_unusable` naming the process that holds it.
 */
export function lockDirectory(dir: string, what = `the store in ${dir}`): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'lock');
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), {
        flag: 'wx',
      });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 3) throw error;
      const pid = ownerOf(path);
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

/** The living process a lock belongs to; null when there is none. */
function ownerOf(path: string): number | null {
  let lock: { pid: number; started: string | null };
  try {
    lock = JSON.parse(readFileSync(path, 'utf8')) as typeof lock;
  } catch {
    return null;
  }
  if (lock.pid === process.pid) return held.has(path) ? lock.pid : null;
  try {
    process.kill(lock.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  return lock.started !== null && startOf(lock.pid) !== lock.started ? null : lock.pid;
}

/** When a process began, in clock ticks since boot (proc(5), field 22); null where there is no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
