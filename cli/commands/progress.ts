import { statSync } from 'node:fs';
import type { LineBatch } from '../../pipeline/contracts.ts';
import type { Config } from '../config/index.ts';
import { cut } from '../format/text.ts';
import { countText, numberText, spanText } from '../format/units.ts';
import type { World } from './command.ts';

/** One line on a terminal that says how far long work is; nothing anywhere else. */
export interface Progress {
  read(batch: Pick<LineBatch, 'origin' | 'next'>, records: number): void;
  /** Takes the line away. */
  end(): void;
}

const EVERY_MS = 200;
const BAR = 24;

export function createProgress(
  config: Pick<Config, 'sources'>,
  world: Pick<World, 'stderr' | 'clock'>,
  { quiet }: { quiet: boolean },
): Progress {
  const { stderr, clock } = world;
  if (quiet || !stderr.isTTY) return { read() {}, end() {} };
  const totalBytes = sizeOf(config);
  const begunMs = clock.now();
  const positions = new Map<string, number>();
  let shownMs = begunMs;
  return {
    read({ origin, next }, records) {
      if (totalBytes !== null) positions.set(origin, next);
      const nowMs = clock.now();
      if (nowMs - shownMs < EVERY_MS) return;
      shownMs = nowMs;
      let bytes = 0;
      for (const position of positions.values()) bytes += position;
      const perSecond = Math.round((records * 1000) / Math.max(1, nowMs - begunMs));
      const text = [
        ...(totalBytes === null ? [] : [barOf(bytes / totalBytes)]),
        countText(records, 'record'),
        `${numberText(perSecond)}/s`,
        spanText(nowMs - begunMs),
      ].join('  ');
      stderr.write(`\r\u001b[K${cut(text, (stderr.columns ?? 80) - 1)}`);
    },
    end: () => void stderr.write('\r\u001b[K'),
  };
}

/** The same for work of which nobody knows how much there is: says what it is given. */
export function createCount(
  { stderr, clock }: Pick<World, 'stderr' | 'clock'>,
  { quiet }: { quiet: boolean },
): { at(text: string): void; end(): void } {
  if (quiet || !stderr.isTTY) return { at() {}, end() {} };
  let shownMs = -Infinity;
  return {
    at(text) {
      if (clock.now() - shownMs < EVERY_MS) return;
      shownMs = clock.now();
      stderr.write(`\r\u001b[K${cut(text, (stderr.columns ?? 80) - 1)}`);
    },
    end: () => void stderr.write('\r\u001b[K'),
  };
}

function barOf(share: number): string {
  const done = Math.min(1, Math.max(0, share));
  const full = Math.round(done * BAR);
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${String(Math.floor(done * 100)).padStart(3)}%`;
}

/** Bytes there are to read; null where that is not known before they are read: patterns, pipes, compressed files. */
function sizeOf({ sources }: Pick<Config, 'sources'>): number | null {
  let bytes = 0;
  for (const { input } of sources) {
    const { path } = input.options as { path?: string };
    if (path === undefined || path.endsWith('.gz')) return null;
    const file = statSync(path, { throwIfNoEntry: false });
    if (!file?.isFile()) return null;
    bytes += file.size;
  }
  return bytes > 0 ? bytes : null;
}
