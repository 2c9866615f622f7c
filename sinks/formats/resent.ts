/** How a payload itself says that it was sent before, behind headers that have no place for it. */
import { anyJson } from '../records/json.ts';
import type { FormatName } from './format-options.ts';
import { jsonLine } from './text.ts';

type Document = Record<string, unknown>;

export const markResent: Readonly<Record<FormatName, (text: string) => string>> = {
  cef: (text) => `${text} weirResent=1`,
  leef: (text) => `${text}^resent=1`,
  json: (text) => `${text.slice(0, -1)},"resent":true}`,
  // Resends are few: reading a document again costs nothing, and its lists may hold a mark already.
  'ecs-json': (text) =>
    changed(text, (document) => {
      document['tags'] = withMark(document['tags']);
    }),
  ocsf: (text) =>
    changed(text, (event) => {
      const metadata = event['metadata'] as Document;
      metadata['labels'] = withMark(metadata['labels']);
    }),
};

function changed(text: string, change: (document: Document) => void): string {
  const document = JSON.parse(text) as Document;
  change(document);
  return jsonLine(anyJson(document));
}

const withMark = (marks: unknown): unknown[] => [...(Array.isArray(marks) ? marks : []), 'resent'];
