import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tunedCases } from '../../evaluate/tuned.ts';

test('docs/detection.md names every case that was tuned on', () => {
  const text = readFileSync('docs/detection.md', 'utf8');
  for (const name of tunedCases) assert.ok(text.includes(name), name);
});
