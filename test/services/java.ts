import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './process.ts';

const JDKS = '/usr/lib/jvm';

/** The Java that servers are run with: `ES_JAVA_HOME`, `JAVA_HOME`, else the one in the PATH; null when there is none. */
export function javaHome(): string | null {
  for (const name of ['ES_JAVA_HOME', 'JAVA_HOME']) {
    const home = process.env[name];
    if (home !== undefined && existsSync(join(home, 'bin', 'java'))) return home;
  }
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const java = join(folder, 'java');
    if (existsSync(java)) return dirname(dirname(realpathSync(java)));
  }
  return null;
}

/** A Java of at least this version among those that are installed; null when there is none. */
export async function javaSince(version: number): Promise<string | null> {
  const installed = existsSync(JDKS) ? readdirSync(JDKS).map((name) => join(JDKS, name)) : [];
  for (const home of [javaHome(), ...installed]) {
    if (home === null || !existsSync(join(home, 'bin', 'java'))) continue;
    const text = await run(join(home, 'bin', 'java'), ['-version']).catch(() => '');
    if (Number(/version "(\d+)/.exec(text)?.[1] ?? 0) >= version) return home;
  }
  return null;
}

/** A file of Maven Central in the local repository. */
export interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

export function zipOf({ group, name, version }: Artifact): string {
  const repository = process.env['MAVEN_REPO_LOCAL'] ?? join(homedir(), '.m2', 'repository');
  return join(repository, group.replaceAll('.', '/'), name, version, `${name}-${version}.zip`);
}

/** What is missing to fetch and run it; null when nothing is. */
export async function missingFor(artifact: Artifact, product: string): Promise<string | null> {
  if (javaHome() === null) return `${product} needs Java 17 or newer, and \`java\` is not in the PATH`;
  if (existsSync(zipOf(artifact))) return null;
  return run('mvn', ['-v']).then(
    () => null,
    () => `${product} is fetched from Maven Central, and \`mvn\` is not in the PATH`,
  );
}

/** Unpacks a distribution into `dir`/home. */
export async function unpack(artifact: Artifact, dir: string): Promise<void> {
  const { group, name, version } = artifact;
  const zip = zipOf(artifact);
  if (!existsSync(zip))
    await run('mvn', [
      '-q',
      '-B',
      'dependency:get',
      `-Dartifact=${group}:${name}:${version}:zip`,
      '-Dtransitive=false',
    ]);
  // The JDK unpacks zips too, where there is no `unzip`, but forgets which files may be run.
  await run('unzip', ['-q', zip, '-d', dir]).catch(() => run('jar', ['xf', zip], { cwd: dir }));
  await run('mv', [join(dir, `${name}-${version}`), join(dir, 'home')]);
  await run('chmod', ['-R', 'a+rX', join(dir, 'home')]);
  await run('sh', ['-c', `chmod a+x '${join(dir, 'home', 'bin')}'/*`]);
}
