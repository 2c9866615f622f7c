import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from './certificates.ts';
import { unpacked } from './debian.ts';
import { freePort, skipOrFail, startServer, workDir } from './process.ts';
import type { TestScope } from './process.ts';

/** A message as syslog-ng parsed it. */
export interface NgMessage {
  readonly HOST: string;
  readonly PROGRAM: string;
  readonly MSGID: string;
  readonly MESSAGE: string;
  readonly PRI: string;
  /** The structured data as text. */
  readonly SD: string;
}

export interface SyslogNg {
  readonly udpPort: number;
  /** Octet counting only. */
  readonly octetPort: number;
  /** LF framing only. */
  readonly lfPort: number;
  readonly tlsPort: number;
  messages(): Promise<NgMessage[]>;
}

/**
 * A real syslog-ng from its Debian packages, which cannot be installed beside rsyslog: they are unpacked into the
 * cache. Null when the test was skipped.
 */
export async function syslogNg(
  t: TestScope,
  options: { readonly tls: { readonly ca: string; readonly server: Certificate } },
): Promise<SyslogNg | null> {
  let root: string;
  try {
    root = await unpacked('syslog-ng-debian', [
      'syslog-ng-core',
      'libivykis0',
      'libnet1',
      'libwrap0',
      'libpcre3',
    ]);
  } catch (error) {
    return skipOrFail(t, `the packages of syslog-ng cannot be had: ${String(error)}`);
  }
  const dir = await workDir('syslog-ng');
  const out = join(dir, 'out.jsonl');
  const udpPort = await freePort();
  const octetPort = await freePort();
  const lfPort = await freePort();
  const tlsPort = await freePort();
  const { server } = options.tls;
  await writeFile(
    join(dir, 'syslog-ng.conf'),
    `@version: 3.38
options { keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(131072); stats-freq(0); };
source s {
  syslog(transport("udp") ip("127.0.0.1") port(${udpPort}));
  syslog(transport("tcp") ip("127.0.0.1") port(${octetPort}));
  network(transport("tcp") ip("127.0.0.1") port(${lfPort}) flags(syslog-protocol));
  syslog(transport("tls") ip("127.0.0.1") port(${tlsPort}) tls(key-file("${server.key}") cert-file("${server.cert}") ca-file("${options.tls.ca}") peer-verify(required-trusted)));
};
destination d { file("${out}" template("$(format-json HOST PROGRAM MSGID MESSAGE PRI SD=$SDATA)\\n")); };
log { source(s); destination(d); };
`,
  );
  const libraries = ['usr/lib/syslog-ng', 'usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'];
  const daemon = await startServer({
    name: 'syslog-ng',
    command: join(root, 'usr/sbin/syslog-ng'),
    args: [
      '-F',
      '--no-caps',
      `--cfgfile=${join(dir, 'syslog-ng.conf')}`,
      `--pidfile=${join(dir, 'pid')}`,
      `--persist-file=${join(dir, 'persist')}`,
      `--control=${join(dir, 'ctl')}`,
      `--module-path=${join(root, 'usr/lib/syslog-ng/3.38')}`,
    ],
    env: { ...process.env, LD_LIBRARY_PATH: libraries.map((path) => join(root, path)).join(':') },
    logFile: join(dir, 'syslog-ng.log'),
    ready: () => Promise.resolve(existsSync(join(dir, 'ctl'))),
    timeoutMs: 20_000,
  });
  t.after(() => daemon.stop(2000));
  return {
    udpPort,
    octetPort,
    lfPort,
    tlsPort,
    messages: async () => {
      if (!existsSync(out)) return [];
      const lines = (await readFile(out, 'utf8')).split('\n');
      return lines.slice(0, -1).map((line) => JSON.parse(line) as NgMessage);
    },
  };
}
