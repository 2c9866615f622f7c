import { text, type Panel } from '../panels.ts';
import { idOf } from '../place.ts';
import type { Page } from '../dashboard.ts';
import { alertsAndIncidents } from './alerts-and-incidents.ts';
import { deniedTraffic } from './denied-traffic.ts';
import { healthAndLosses } from './health-and-losses.ts';
import { overview } from './overview.ts';
import { whoTalkedToWhom } from './who-talked-to-whom.ts';

const own: readonly Page[] = [overview, deniedTraffic, whoTalkedToWhom, alertsAndIncidents, healthAndLosses];

/** Leads from each dashboard to the others. */
const wayOn = (here: Page): Panel =>
  text((place) =>
    own
      .map((page) =>
        page === here ? `**${page.title}**` : `[${page.title}](#/view/${idOf(page.name, place)})`,
      )
      .join(' | '),
  );

export const pages: readonly Page[] = own.map((page) => ({
  ...page,
  rows: [{ height: 3, panels: [[48, wayOn(page)]] }, ...page.rows],
}));
