import type { Flow } from '../../schema/records.ts';
import { flowField, readerOf, unknownField, type Reader } from './fields.ts';

/** Placeholders that stand for what was measured, filled in for each revision. */
const MEASURED = ['count', 'value', 'threshold', 'expected', 'within'] as const;
type Measured = (typeof MEASURED)[number];

const PLACEHOLDER = /\{([^{}]*)\}/g;

const isMeasured = (name: string): name is Measured => MEASURED.includes(name as Measured);

/** What is wrong with each placeholder that stands for nothing. */
export function messageProblems(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].flatMap(([, name = '']) => {
    if (isMeasured(name)) return [];
    const field = flowField(name);
    if (field === null) return [unknownField(name, MEASURED)];
    return field.type === 'record' || field.type === 'map'
      ? [`expected a field with a value, found '${name}', which has parts`]
      : [];
  });
}

/** Fills in the fields of a flow; what is measured stays, for `fillMeasured`. */
export function messageOf(template: string): (flow: Flow) => string {
  const parts: (string | Reader)[] = [];
  let end = 0;
  for (const match of template.matchAll(PLACEHOLDER)) {
    const name = match[1] ?? '';
    const field = isMeasured(name) ? null : flowField(name);
    if (field === null) continue;
    parts.push(template.slice(end, match.index), readerOf(field));
    end = match.index + match[0].length;
  }
  parts.push(template.slice(end));
  return (flow) =>
    parts.map((part) => (typeof part === 'string' ? part : String(part(flow) ?? 'unknown'))).join('');
}

export const fillMeasured = (text: string, measured: Readonly<Record<Measured, string>>): string =>
  text.replaceAll(PLACEHOLDER, (whole, name: string) => (isMeasured(name) ? measured[name] : whole));
