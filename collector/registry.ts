import { options as netobserv } from './netobserv/options.ts';
import { options as ovnAcl } from './ovn_acl/options.ts';
import { options as ulogd } from './ulogd/options.ts';
import { options as zeekConn } from './zeek_conn/options.ts';

/** Source types by name. Each module exports `source: SourceType`. */
export const sources = {
  netobserv: { options: netobserv, load: () => import('./netobserv/index.ts') },
  ovn_acl: { options: ovnAcl, load: () => import('./ovn_acl/index.ts') },
  ulogd: { options: ulogd, load: () => import('./ulogd/index.ts') },
  zeek_conn: { options: zeekConn, load: () => import('./zeek_conn/index.ts') },
} as const;

export type SourceName = keyof typeof sources;
