import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A place where flow logs usually lie. */
interface Place {
  readonly source: string;
  readonly type: string;
  readonly path: string;
  /** Grants reading, where it is refused. */
  readonly grant: string;
}

const places: readonly Place[] = [
  {
    source: 'ovn',
    type: 'ovn_acl',
    path: '/var/log/ovn/acl-audit-log.log',
    grant: 'sudo setfacl -m u:$USER:r',
  },
  {
    source: 'zeek',
    type: 'zeek_conn',
    path: '/opt/zeek/logs/current/conn.log',
    grant: 'sudo setfacl -m u:$USER:r',
  },
  {
    source: 'zeek_spool',
    type: 'zeek_conn',
    path: '/var/log/zeek/current/conn.log',
    grant: 'sudo setfacl -m u:$USER:r',
  },
  { source: 'ulogd', type: 'ulogd', path: '/var/log/ulog/ulogd.json', grant: 'sudo setfacl -m u:$USER:r' },
  { source: 'ulogd_file', type: 'ulogd', path: '/var/log/ulogd.json', grant: 'sudo setfacl -m u:$USER:r' },
];

export interface Found {
  readonly readable: readonly Place[];
  /** One line each: what was looked for and what is wrong with it. */
  readonly notes: readonly string[];
  /** Those of `notes` that say how reading is granted. */
  readonly refused: readonly string[];
}

/** Flow logs of this machine: which there are, and why the others cannot be used. */
export function discover(): Found {
  const readable: Place[] = [];
  const notes: string[] = [];
  const refused: string[] = [];
  for (const place of places) {
    if (!existsSync(place.path)) {
      const why = reachable(place.path);
      notes.push(`${place.path} (${place.type}): ${why}`);
      if (why !== ABSENT) refused.push(`${place.path} (${place.type}): ${why}`);
      continue;
    }
    try {
      accessSync(place.path, constants.R_OK);
    } catch {
      const note = `${place.path} (${place.type}): there, but not readable; grant it with: ${place.grant} ${place.path}`;
      notes.push(note);
      refused.push(note);
      continue;
    }
    if (statSync(place.path).size === 0) notes.push(`${place.path} (${place.type}): readable, but empty`);
    else readable.push(place);
  }
  return { readable, notes, refused };
}

const ABSENT = 'not there';

/** A folder that may not be looked into hides what is in it. */
function reachable(path: string): string {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    if (!existsSync(folder)) continue;
    try {
      readdirSync(folder);
      break;
    } catch {
      return `cannot be looked for: ${folder} is not readable; grant it with: sudo setfacl -m u:$USER:rx ${folder}`;
    }
  }
  return ABSENT;
}

/** Configuration that reads what was found into the embedded store. */
export const discoveredYaml = (found: Found): string =>
  JSON.stringify({
    sources: Object.fromEntries(
      found.readable.map(({ source, type, path }) => [
        source,
        { type, from: { file: { path: [path, `${path}.*`] } } },
      ]),
    ),
    detectors: { policy_denied: {}, port_scan: {} },
    sinks: { store: { type: 'store' } },
  });
