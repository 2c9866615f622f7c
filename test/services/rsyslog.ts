import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Certificate } from './certificates.ts';
import { unpacked } from './debian.ts';
import { freePort, skipOrFail, startServer, workDir } from './process.ts';
import type { Server, TestScope } from './process.ts';

/** A message as the receiver parsed it. */
export interface ParsedMessage {
  readonly pri: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly sd: string;
  readonly msg: string;
}

export interface Rsyslog {
  readonly udpPort: number;
  /** Takes octet-counted and LF framing. */
  readonly tcpPort: number;
  /** Server certificate only; 0 without `tls`. */
  readonly tlsPort: number;
  /** Asks for a client certificate of the same authority; 0 without `tls`. */
  readonly mutualTlsPort: number;
  readonly relpPort: number;
  /** RELP over TLS, asks for a client certificate of the same authority; 0 without `tls`. */
  readonly relpTlsPort: number;
  /** What it received, in order. */
  messages(): Promise<ParsedMessage[]>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same ports with the same file. */
  restart(): Promise<void>;
}

interface Installation {
  readonly command: string;
  readonly modules: string;
  readonly env: NodeJS.ProcessEnv;
}

async function installation(): Promise<Installation> {
  const modules = '/usr/lib/x86_64-linux-gnu/rsyslog';
  if (
    existsSync('/usr/sbin/rsyslogd') &&
    ['lmnsd_ossl.so', 'imrelp.so'].every((name) => existsSync(join(modules, name)))
  ) {
    return { command: '/usr/sbin/rsyslogd', modules, env: process.env };
  }
  const packages = [
    'rsyslog',
    'rsyslog-openssl',
    'rsyslog-relp',
    'librelp0',
    'libestr0',
    'libfastjson4',
    'liblognorm5',
  ];
  const root = await unpacked('rsyslog-relp-debian', packages);
  return {
    command: join(root, 'usr/sbin/rsyslogd'),
    modules: join(root, modules),
    env: { ...process.env, LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') },
  };
}

/** A real rsyslog from its Debian packages, with UDP, TCP, TLS and RELP inputs; null when the test was skipped. */
export async function rsyslog(
  t: TestScope,
  options: {
    readonly tls?: { readonly ca: string; readonly server: Certificate };
    /** Port for TCP; a free one by default. */
    readonly tcpPort?: number;
    /** Where it writes; its working directory by default. */
    readonly outDir?: string;
    /** It writes nothing, and sends what it took on to this TCP port as it came, through a queue on disk of so many bytes. */
    readonly relay?: { readonly port: number; readonly queueBytes: number };
  } = {},
): Promise<Rsyslog | null> {
  let found: Installation;
  try {
    found = await installation();
  } catch (error) {
    return skipOrFail(t, `rsyslog is neither installed nor can its packages be had: ${String(error)}`);
  }
  const dir = await workDir('rsyslog');
  const out = join(options.outDir ?? dir, 'out.jsonl');
  const ports = {
    udp: await freePort(),
    tcp: options.tcpPort ?? (await freePort()),
    relp: await freePort(),
    tls: 0,
    mutual: 0,
    relpTls: 0,
  };
  if (options.tls) {
    ports.relpTls = await freePort();
    ports.tls = await freePort();
    ports.mutual = await freePort();
  }
  await writeFile(
    join(dir, 'rsyslog.conf'),
    configuration(dir, ports, { tls: options.tls, ruleset: rulesetOf(out, options.relay) }),
  );
  const logFile = join(dir, 'rsyslogd.log');
  const start = (): Promise<Server> =>
    startServer({
      name: 'rsyslog',
      command: found.command,
      args: ['-n', `-i${join(dir, 'pid')}`, '-M', found.modules, '-f', join(dir, 'rsyslog.conf')],
      env: found.env,
      logFile,
      ready: () => answers(ports.mutual || ports.tcp),
      timeoutMs: 20_000,
    });
  let server = await start();
  t.after(() => server.stop(2000));
  return {
    udpPort: ports.udp,
    tcpPort: ports.tcp,
    tlsPort: ports.tls,
    mutualTlsPort: ports.mutual,
    relpPort: ports.relp,
    relpTlsPort: ports.relpTls,
    messages: async () => {
      if (!existsSync(out)) return [];
      const lines = (await readFile(out, 'utf8')).split('\n');
      // The last line may be half written.
      return lines.slice(0, -1).map((line) => JSON.parse(line) as ParsedMessage);
    },
    kill: () => server.kill(),
    restart: async () => {
      server = await start();
    },
  };
}

/** The queue and the action of a relay are those that docs/siem.md shows: who sends waits for room, and nothing is given up. */
const rulesetOf = (out: string, relay: { port: number; queueBytes: number } | undefined): string =>
  relay === undefined
    ? `ruleset(name="r") { action(type="omfile" file="${out}" template="parsed") }`
    : `template(name="raw" type="string" string="%rawmsg%\\n")
ruleset(name="r" queue.type="Disk" queue.filename="relay" queue.maxFileSize="100k" queue.maxDiskSpace="${relay.queueBytes}" queue.timeoutEnqueue="600000") {
  action(type="omfwd" target="127.0.0.1" port="${relay.port}" protocol="tcp" template="raw" action.resumeRetryCount="-1" action.resumeInterval="1")
}`;

function configuration(
  dir: string,
  ports: Readonly<Record<'udp' | 'tcp' | 'relp' | 'tls' | 'mutual' | 'relpTls', number>>,
  {
    tls,
    ruleset,
  }: {
    readonly tls: { readonly ca: string; readonly server: Certificate } | undefined;
    readonly ruleset: string;
  },
): string {
  const property = (field: string, name: string): string =>
    `property(outname="${field}" name="${name}" format="jsonf")`;
  const fields = [
    property('pri', 'pri'),
    'property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")',
    property('host', 'hostname'),
    property('app', 'app-name'),
    property('procid', 'procid'),
    property('msgid', 'msgid'),
    property('sd', 'structured-data'),
    property('msg', 'msg'),
  ];
  const drivers = tls
    ? `defaultNetstreamDriverCAFile="${tls.ca}" defaultNetstreamDriverCertFile="${tls.server.cert}" defaultNetstreamDriverKeyFile="${tls.server.key}"`
    : '';
  const tlsInputs = tls
    ? `
input(type="imtcp" address="127.0.0.1" port="${ports.tls}" ruleset="r" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="${ports.mutual}" ruleset="r" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imrelp" address="127.0.0.1" port="${ports.relpTls}" ruleset="r" maxDataSize="128k" tls="on" tls.authMode="certvalid" tls.caCert="${tls.ca}" tls.myCert="${tls.server.cert}" tls.myPrivKey="${tls.server.key}")`
    : '';
  return `global(workDirectory="${dir}" maxMessageSize="128k" ${drivers})
module(load="imudp") module(load="imtcp") module(load="imrelp"${tls ? ' tls.tlslib="openssl"' : ''})
template(name="parsed" type="list") {
  constant(value="{") ${fields.join(' constant(value=", ")\n  ')} constant(value="}\\n")
}
${ruleset}
input(type="imudp" address="127.0.0.1" port="${ports.udp}" ruleset="r")
input(type="imtcp" address="127.0.0.1" port="${ports.tcp}" ruleset="r")
input(type="imrelp" address="127.0.0.1" port="${ports.relp}" ruleset="r" maxDataSize="128k")${tlsInputs}
`;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
