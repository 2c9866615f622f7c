import { gunzipSync } from 'node:zlib';

/** What is known of one flow. Traffic that nobody looked at is neither a hit nor a false alarm. */
export type Truth = 'malicious' | 'benign' | 'unlabelled';

export interface Label {
  readonly truth: Truth;
  /** What the data set says beyond that, such as the name of the attack. */
  readonly detail: string;
}

export const unlabelled: Label = { truth: 'unlabelled', detail: '' };

/** Labels by uid, from `uid,label,detail` with or without a header, columns in any order when there is one. */
export function readLabels(text: string): Map<string, Label> {
  const labels = new Map<string, Label>();
  const interned = new Map<string, Label>();
  let columns = { uid: 0, label: 1, detail: 2 };
  for (const [row, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const cells = cellsOf(line);
    const names = cells.map((cell) => cell.trim().toLowerCase());
    if (row === 0 && names.includes('uid')) {
      columns = { uid: names.indexOf('uid'), label: names.indexOf('label'), detail: names.indexOf('detail') };
      continue;
    }
    const uid = cells[columns.uid];
    if (!uid) continue;
    const [label = '', detail = ''] = [cells[columns.label], cells[columns.detail]];
    const key = `${label}\0${detail}`;
    let one = interned.get(key);
    if (!one) interned.set(key, (one = { truth: truthOf(label), detail }));
    labels.set(uid, one);
  }
  return labels;
}

function truthOf(label: string): Truth {
  const text = label.trim().toLowerCase();
  if (text.startsWith('malicious') || text === 'attack') return 'malicious';
  return text.startsWith('benign') || text === 'normal' ? 'benign' : 'unlabelled';
}

/** Cells of one line of CSV (RFC 4180); quotes may enclose commas, not line ends. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    cells.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
  return cells;
}

const NEWLINE = 10;

/** The uid of each row of a conn.log, TSV or JSON, by the byte at which its line begins: a flow's `position`. */
export function uidsByPosition(log: Buffer): Map<number, string> {
  const uids = new Map<number, string>();
  let column = 1;
  let separator = '\t';
  for (let from = 0; from < log.length;) {
    const end = log.indexOf(NEWLINE, from);
    const line = log.toString('utf8', from, end === -1 ? log.length : end);
    if (line.startsWith('#separator')) separator = unescaped(line.slice(11).trim()) || '\t';
    else if (line.startsWith(`#fields${separator}`)) column = line.slice(8).split(separator).indexOf('uid');
    else if (line.startsWith('{')) {
      const uid = /"uid"\s*:\s*"([^"]*)"/.exec(line)?.[1];
      if (uid !== undefined) uids.set(from, uid);
    } else if (!line.startsWith('#') && column >= 0) {
      const uid = line.split(separator, column + 1)[column];
      if (uid) uids.set(from, uid);
    }
    if (end === -1) break;
    from = end + 1;
  }
  return uids;
}

const unescaped = (text: string): string =>
  text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));

/** The content of a file that may be gzip, by its first bytes. */
export const unpacked = (bytes: Buffer): Buffer =>
  bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
