import { mkdirSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskError, readJson, writeAtomically } from '../../pipeline/files.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { isRunning, thisProcess, type Owner } from '../../pipeline/owner.ts';
import { digest } from '../../schema/ids.ts';

/** What must stay as it was for the state to mean anything. */
interface Recorded {
  readonly version: 1;
  readonly lanes: number;
}

/**
 * Takes the state directory for this process. Throws `state_unusable` when another one has it, or when it was
 * written with another number of lanes. Returns the function that gives it up.
 */
export async function takeStateDir(directory: string, lanes: number): Promise<() => void> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw diskError(error, `cannot make the state directory ${directory}`);
  }
  const release = lock(join(directory, 'pid'), directory);
  try {
    const path = join(directory, 'state.json');
    const found = (await readJson(path)) as Recorded | undefined;
    if (found && found.lanes !== lanes)
      throw new WeirError(
        'state_unusable',
        `${directory} was written with ${found.lanes} lanes, the configuration says ${lanes}: ` +
          `set lanes back, or begin anew with: rm -r ${directory}`,
      );
    if (!found) await writeAtomically(path, JSON.stringify({ version: 1, lanes } satisfies Recorded));
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

/** The living process that has a state directory; null when none has. */
export function ownerOf(directory: string): number | null {
  const owner = readOwner(join(directory, 'pid'));
  return owner !== null && owner.pid !== process.pid && isRunning(owner) ? owner.pid : null;
}

function readOwner(path: string): Owner | null {
  try {
    const [pid = '', started] = readFileSync(path, 'utf8').split(' ');
    return { pid: Number(pid), started: started ?? null };
  } catch {
    return null;
  }
}

function lock(path: string, directory: string): () => void {
  for (let tries = 0; ; tries++) {
    try {
      const file = openSync(path, 'wx', 0o600);
      const { pid, started } = thisProcess();
      writeSync(file, started === null ? String(pid) : `${pid} ${started}`);
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(error, `cannot write ${path}`);
    }
    const owner = ownerOf(directory);
    if (tries > 3 || owner !== null)
      throw new WeirError(
        'state_unusable',
        `${directory} is in use by process ${owner ?? 'unknown'}: stop it, or set another state.dir`,
      );
    rmSync(path, { force: true });
  }
}

/** Longest path a unix socket may have (sun_path, less its end). */
const MAX_SOCKET_PATH = 100;

/** Where the process that has this state directory answers. */
export function socketPath(directory: string, configured: string | null): string {
  const path = configured ?? join(directory, 'weir.sock');
  return path.length <= MAX_SOCKET_PATH ? path : join(tmpdir(), `weir-${digest(16, path)}.sock`);
}
