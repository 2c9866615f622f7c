import type { Writable } from 'node:stream';
import type { Clock } from '../../pipeline/contracts.ts';
import type { Lookout } from '../api/server.ts';
import { colours, wantsColour } from '../format/colours.ts';
import { alertLine, flowLine } from '../format/records.ts';
import { countText } from '../format/units.ts';

export interface ScreenOptions {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly banner: string;
  /** Told at the first flow. */
  readonly seen: () => void;
}

/** At most one allowed flow this often: enough to see that it lives. Denied ones have a share of their own. */
const ALLOWED_EVERY_MS = 2000;
const DENIED_PER_S = 4;
/** What is not shown is told this often. */
const UNSEEN_EVERY_MS = 10_000;
/** Until then, what comes first is shown without a limit on alerts; then the next command is named. */
const HINT_AFTER_MS = 8000;

/** What a newcomer sees: some of the flows, every alert, and after a while what to type next. */
export async function showTraffic(lookout: Lookout, options: ScreenOptions): Promise<void> {
  const { stdout, clock } = options;
  const paint = colours(wantsColour(stdout, options.env));
  const begunMs = clock.now();
  let second = 0;
  let allowedMs = 0;
  let unseenMs = begunMs;
  let denied = 0;
  let unseen = 0;
  let flows = 0;
  let alerts = 0;
  let hinted = false;
  const say = (line: string): void => void stdout.write(`${options.banner}${line}\n`);
  for await (const item of lookout.watch(options.stop)) {
    const nowMs = clock.now();
    if (Math.floor(nowMs / 1000) !== second) {
      second = Math.floor(nowMs / 1000);
      denied = 0;
    }
    if (nowMs - unseenMs > UNSEEN_EVERY_MS) {
      if (unseen > 0) say(paint.dim(`… and ${countText(unseen, 'more flow')}`));
      unseenMs = nowMs;
      unseen = 0;
    }
    if ('alert' in item) {
      alerts++;
      say(alertLine(item.alert, paint));
    } else {
      if (flows++ === 0) options.seen();
      const isDenied = item.flow.verdict === 'deny';
      const isShown = isDenied ? denied++ < DENIED_PER_S : nowMs - allowedMs >= ALLOWED_EVERY_MS;
      if (isShown && !isDenied) allowedMs = nowMs;
      if (isShown) say(flowLine(item.flow, paint));
      else unseen++;
    }
    if (!hinted && nowMs - begunMs > HINT_AFTER_MS && alerts > 0) {
      hinted = true;
      say('');
      say(paint.bold('Next, in another terminal:'));
      say(`  npx weir alerts list`);
      say(`  npx weir search 'verdict : deny' --since 1h`);
      say(`  npx weir observe -f`);
      say('');
    }
  }
}
