import { WeirError } from '../../pipeline/errors.ts';
import { canonicalAddress, parseNetwork } from '../../query/address.ts';
import { networkTable } from '../../query/networks.ts';
import type { Options } from './options.ts';

/** A list an address or name is on. */
export interface ListName {
  readonly name: string;
  readonly category: Options['lists'][number]['category'];
}

export interface Lists {
  /** Number of entries. */
  readonly size: number;
  /** The list an address is on, that of the narrowest network first; undefined for nearly all. */
  address(ip: string): ListName | undefined;
  /** The list a name, or a name it lies under, is on. */
  domain(name: string): ListName | undefined;
}

const DOMAIN = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/;
/** Longest chain of labels that is looked up; DNS allows 127. */
const MAX_LABELS = 127;

/**
 * Reads all lists. Throws `config_invalid` that names list and line of what is no entry: half a list would be silence that
 * looks like peace.
 */
export function readLists(options: Pick<Options, 'lists' | 'maxEntries'>): Lists {
  const networks: { cidr: string; value: ListName }[] = [];
  const domains = new Map<string, ListName>();
  let size = 0;
  for (const { name, category, entries } of options.lists) {
    const value = { name, category };
    for (const [index, line] of entries.split(/\r?\n/).entries()) {
      const entry = entryOf(line);
      if (entry === null) continue;
      if (++size > options.maxEntries) {
        throw new WeirError(
          'config_invalid',
          `detectors.threat_intel.lists: more than ${options.maxEntries} entries at list "${name}" line ${index + 1}; raise maxEntries`,
        );
      }
      const cidr = cidrOf(entry);
      if (cidr !== null && isTooWide(cidr)) {
        throw new WeirError(
          'config_invalid',
          `detectors.threat_intel.lists: list "${name}" line ${index + 1}: ${cidr} is too wide to be a list of anything, expected /8 or longer, /16 or longer for IPv6`,
        );
      }
      if (cidr !== null) networks.push({ cidr, value });
      else if (DOMAIN.test(entry)) {
        if (!domains.has(entry)) domains.set(entry, value);
      } else {
        throw new WeirError(
          'config_invalid',
          `detectors.threat_intel.lists: list "${name}" line ${index + 1}: found ${JSON.stringify(line.slice(0, 100))}, expected an address, a network such as 192.0.2.0/24, a URL or a domain`,
        );
      }
    }
  }
  const table = networkTable(networks);
  const hasNetworks = networks.length > 0;
  return {
    size,
    address: (ip) => (hasNetworks ? table.find(ip)[0] : undefined),
    domain(name) {
      if (domains.size === 0) return undefined;
      let rest = name.toLowerCase().replace(/\.$/, '');
      for (let labels = 0; labels < MAX_LABELS; labels++) {
        const found = domains.get(rest);
        if (found !== undefined) return found;
        const dot = rest.indexOf('.');
        if (dot < 0) return undefined;
        rest = rest.slice(dot + 1);
      }
      return undefined;
    },
  };
}

/** What a line holds, in the forms lists come in; null for nothing but a comment. Lower case, as names compare. */
function entryOf(line: string): string | null {
  // A column after the entry, as in CSV or in `address ; reference`, is not read.
  let text = line
    .replace(/[#;].*$/, '')
    .trim()
    .toLowerCase();
  if (text === '') return null;
  text = text
    .replaceAll('"', '')
    .split(/[\s,]+/)
    .filter(Boolean)
    .join(' ');
  // Files of the form of /etc/hosts put the address of nowhere first.
  const words = text.split(' ');
  text =
    (words[0] === '0.0.0.0' || words[0] === '127.0.0.1' || words[0] === '::1') && words[1]
      ? words[1]
      : (words[0] ?? '');
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//.test(text);
  if (isUrl) text = text.replace(/^[^:]*:\/\/([^@/]*@)?/, '');
  if (isUrl || !isNetwork(text)) text = text.replace(/[/?].*$/, '');
  text = text.replace(/^\*\./, '').replace(/\.$/, '');
  const bracketed = /^\[([0-9a-f:.]+)\](:\d+)?$/.exec(text);
  if (bracketed) return bracketed[1]!;
  // host:port, where it cannot be an IPv6 address.
  return text.indexOf(':') === text.lastIndexOf(':') ? text.replace(/:\d+$/, '') : text;
}

const isNetwork = (text: string): boolean => parseNetwork(text) !== null;

/** A list that holds half of the internet would alert on everything. */
const isTooWide = (cidr: string): boolean =>
  Number(cidr.slice(cidr.indexOf('/') + 1)) < (cidr.includes(':') ? 16 : 8);

function cidrOf(entry: string): string | null {
  if (isNetwork(entry)) return entry;
  const address = canonicalAddress(entry);
  if (address === null) return null;
  return `${address}/${address.includes(':') ? 128 : 32}`;
}
