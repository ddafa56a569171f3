import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The release that the interop tests run against unless a test names another. */
export const ROCKETMQ_VERSION = process.env['MQLITE_ROCKETMQ_VERSION'] ?? '5.5.0';

/** Releases of which clusters are booted: what is named, or the newest and an older one whose bodies fastjson 1 writes. */
export const TESTED_VERSIONS: readonly string[] = process.env['MQLITE_ROCKETMQ_VERSION'] === undefined ? [ROCKETMQ_VERSION, '5.3.3'] : [ROCKETMQ_VERSION];

const javaProject = fileURLToPath(new URL('../java/', import.meta.url));

/** Doors into the JDK that RocketMQ's store needs to unmap its files on Java 17. */
const JDK_ACCESS = [
  '--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-exports', 'java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens', 'java.base/java.nio=ALL-UNNAMED',
  '--add-opens', 'java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens', 'java.base/jdk.internal.ref=ALL-UNNAMED',
];

/** Short-lived JVMs: the first compiler tier and the serial collector start fastest and leave the cores to the tests. */
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];

export interface JavaCommand {
  readonly mainClass: string;
  readonly args?: readonly string[];
  /** Maximum heap, e.g. `512m`. */
  readonly heap: string;
  /** `-Duser.home`: logs and client state go below it. */
  readonly home: string;
  readonly version?: string | undefined;
  readonly systemProperties?: Readonly<Record<string, string>>;
}

/** Arguments for `java` that start a class with the RocketMQ jars that scripts/interop-setup.mjs resolved. */
export function javaArguments(command: JavaCommand): string[] {
  const target = join(javaProject, 'target', command.version ?? ROCKETMQ_VERSION);
  const jars = readFileSync(join(target, 'classpath.txt'), 'utf8').trim();
  const properties = { 'user.home': command.home, 'rocketmq.home.dir': command.home, ...command.systemProperties };
  return [
    `-Xms64m`, `-Xmx${command.heap}`, ...QUICK_START, ...JDK_ACCESS,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    '-cp', `${join(target, 'classes')}:${jars}`,
    command.mainClass, ...(command.args ?? []),
  ];
}
