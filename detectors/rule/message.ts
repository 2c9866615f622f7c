import { fieldOf, readerOf, unknownField, type Reader } from './fields.ts';
import type { Subject, SubjectKind } from './subject.ts';

/** Placeholders that stand for what was measured, filled in for each revision. */
const MEASURED = ['count', 'value', 'threshold', 'expected', 'within'] as const;
type Measured = (typeof MEASURED)[number];

const PLACEHOLDER = /\{([^{}]*)\}/g;

const isMeasured = (name: string): name is Measured => MEASURED.includes(name as Measured);

/** What is wrong with each placeholder that stands for nothing. */
export function messageProblems(kind: SubjectKind, template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].flatMap(([, name = '']) => {
    if (isMeasured(name)) return [];
    const field = fieldOf(kind, name);
    if (field === null) return [unknownField(kind, name, MEASURED)];
    return field.type === 'record' || field.type === 'map'
      ? [`expected a field with a value, found '${name}', which has parts`]
      : [];
  });
}

/** Fills in the fields of a record; what is measured stays, for `fillMeasured`. */
export function messageOf(kind: SubjectKind, template: string): (subject: Subject) => string {
  const parts: (string | Reader)[] = [];
  let end = 0;
  for (const match of template.matchAll(PLACEHOLDER)) {
    const name = match[1] ?? '';
    const field = isMeasured(name) ? null : fieldOf(kind, name);
    if (field === null) continue;
    parts.push(template.slice(end, match.index), readerOf(field));
    end = match.index + match[0].length;
  }
  parts.push(template.slice(end));
  return (subject) =>
    parts.map((part) => (typeof part === 'string' ? part : String(part(subject) ?? 'unknown'))).join('');
}

export const fillMeasured = (text: string, measured: Readonly<Record<Measured, string>>): string =>
  text.replaceAll(PLACEHOLDER, (whole, name: string) => (isMeasured(name) ? measured[name] : whole));
