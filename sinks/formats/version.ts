import { existsSync, readFileSync } from 'node:fs';

/** Version of this program from the nearest package.json above this file; `0` when there is none. */
export function programVersion(): string {
  for (let at = new URL('.', import.meta.url); ; at = new URL('..', at)) {
    const file = new URL('package.json', at);
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
      if (name === 'weir' && version !== undefined) return version;
    }
    if (at.pathname === '/') return '0';
  }
}
