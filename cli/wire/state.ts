import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskError, readJson, writeAtomically } from '../../pipeline/files.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { digest } from '../../schema/ids.ts';
import { lockDirectory } from '../../store/lock.ts';

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
  const release = lock(directory);
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

/** Another process is told by its start as well as its number: after a reboot the number may be somebody else's. */
function lock(directory: string): () => void {
  try {
    return lockDirectory(directory, directory);
  } catch (error) {
    if (error instanceof WeirError)
      throw new WeirError(error.code, `${error.message}: stop it, or set another state.dir`, {
        cause: error,
      });
    throw diskError(error, `cannot lock ${directory}`);
  }
}

/** Longest path a unix socket may have (sun_path, less its end). */
const MAX_SOCKET_PATH = 100;

/** Where the process that has this state directory answers. */
export function socketPath(directory: string, configured: string | null): string {
  const path = configured ?? join(directory, 'weir.sock');
  return path.length <= MAX_SOCKET_PATH ? path : join(tmpdir(), `weir-${digest(16, path)}.sock`);
}
