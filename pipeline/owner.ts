import { readFileSync } from 'node:fs';

/** A process as a lock file names it: its id, and when it began where that can be told. */
export interface Owner {
  readonly pid: number;
  readonly started: string | null;
}

export const thisProcess = (): Owner => ({
  pid: process.pid,
  started: factsOf(process.pid)?.started ?? null,
});

/**
 * Whether a process still runs. One that has ended and was not waited for yet does not, nor does one whose id was
 * given to another since.
 */
export function isRunning({ pid, started }: Owner): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const facts = factsOf(pid);
  if (facts === null) return true;
  return !'ZX'.includes(facts.state) && (started === null || facts.started === started);
}

/** State, and start in clock ticks since boot (proc(5), fields 3 and 22); null where there is no /proc. */
function factsOf(pid: number): { state: string; started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', started: fields[19] ?? '' };
  } catch {
    return null;
  }
}
