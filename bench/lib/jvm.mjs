import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const VERSION = process.env.MQLITE_ROCKETMQ_VERSION ?? '5.5.0';

/** What lets RocketMQ's store unmap files on Java 17. */
export const JDK_ACCESS = ['java.base/java.nio=ALL-UNNAMED', 'java.base/sun.nio.ch=ALL-UNNAMED', 'java.base/jdk.internal.ref=ALL-UNNAMED'];

/** Makes the jars and classes ready; null when there is no JVM or no Maven here, else the version. */
export function prepareJvm() {
  const result = spawnSync(process.execPath, [join(root, 'scripts/interop-setup.mjs'), '--version', VERSION], { encoding: 'utf8' });
  if (result.status === 0) return VERSION;
  process.stderr.write(`no JVM side: ${result.stderr.split('\n')[0]}\n`);
  return null;
}

/** Runs StoreBench once, in a JVM of its own with RocketMQ's usual collector, and gives back its report. */
export function storeBench(directory, args) {
  const target = join(root, 'test/interop/java/target', VERSION);
  const home = join(directory, 'jvm-home');
  mkdirSync(home, { recursive: true });
  const result = spawnSync('java', [
    '-Xms1g', '-Xmx2g', '-XX:+UseG1GC', '-XX:MaxDirectMemorySize=2g', `-Duser.home=${home}`,
    ...JDK_ACCESS.flatMap((access) => ['--add-opens', access]), '--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED',
    '-cp', `${join(target, 'classes')}:${readFileSync(join(target, 'classpath.txt'), 'utf8').trim()}`,
    'mqlite.bench.StoreBench', '--directory', directory, ...args.map(String),
  ], { encoding: 'utf8', maxBuffer: 64 << 20 });
  const line = result.stdout?.split('\n').findLast((text) => text.startsWith('{"engine"'));
  if (result.status !== 0 || line === undefined) throw new Error(`StoreBench ${args.join(' ')} ended with ${result.status}\n${result.stderr}`);
  return JSON.parse(line);
}
