import type { LearningState } from '../../pipeline/contracts.ts';
import { tableLines, type Column } from '../format/table.ts';
import { numberText } from '../format/units.ts';
import type { History } from '../wire/baseline.ts';
import { paintOf, widthOf } from './ask.ts';
import type { World } from './command.ts';

interface Row {
  readonly name: string;
  readonly states: Readonly<Record<LearningState, number>>;
  readonly keys: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'DETECTOR', text: ({ name }) => name, shrink: false },
  {
    title: 'STATE',
    text: ({ states }) =>
      states.learning === 0 ? 'ready' : states.ready === 0 ? 'learning' : 'learning in some lanes',
    style: ({ states }, paint) => (states.learning === 0 ? paint.green : paint.yellow),
    shrink: false,
  },
  { title: 'KEYS', text: ({ keys }) => numberText(keys), align: 'right', shrink: false },
];

/** What each detector made of a history. */
export function learnedScreen({ group }: History, world: World): string {
  const named = group.status().map(({ name, keys, lanes }) => ({ name, keys, states: lanes }));
  const lines = tableLines(columns, named, { width: widthOf(world), colours: paintOf(world) });
  if (named.every(({ states }) => states.learning === 0)) return lines.join('\n');
  return [
    ...lines,
    '',
    'Those that are learning had too little history; they go on learning from it live.',
  ].join('\n');
}
