import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JDK_ACCESS, VERSION } from './jvm.mjs';

const target = fileURLToPath(new URL(`../../test/interop/java/target/${VERSION}`, import.meta.url));
const BOOT_TIMEOUT_MS = 60_000;

const access = [...JDK_ACCESS.flatMap((door) => ['--add-opens', door]), '--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED'];
const classpath = () => `${join(target, 'classes')}:${readFileSync(join(target, 'classpath.txt'), 'utf8').trim()}`;

/** Arguments of `java`; `memory` as its own flags say it. */
export function javaWords(home, memory, mainClass, words) {
  return [...memory, `-Duser.home=${home}`, `-Drocketmq.home.dir=${home}`, ...access, '-cp', classpath(), mainClass, ...words];
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function booted(child, name) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`the ${name} did not boot: ${text}`)), BOOT_TIMEOUT_MS);
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('boot success')) {
        clearTimeout(timer);
        resolve();
      }
    });
    child.on('exit', (code) => reject(new Error(`the ${name} ended with ${code}: ${text}`)));
  });
}

/** A name server and a broker with its default settings (asynchronous flush), below `directory`. Gives `{ namesrv, stop }`. */
export async function startCluster(directory) {
  const home = join(directory, 'home');
  mkdirSync(home, { recursive: true });
  const children = [];
  const start = async (name, memory, mainClass, config) => {
    const file = join(home, `${name}.conf`);
    writeFileSync(file, Object.entries(config).map(([key, value]) => `${key}=${value}\n`).join(''));
    const child = spawn('java', javaWords(home, memory, mainClass, ['-c', file]), { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await booted(child, name);
  };
  const stop = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  try {
    const namesrv = `127.0.0.1:${await freePort()}`;
    await start('name server', ['-Xmx256m'], 'org.apache.rocketmq.namesrv.NamesrvStartup', { listenPort: namesrv.split(':')[1], bindAddress: '127.0.0.1' });
    const port = await freePort();
    await start('broker', ['-Xms1g', '-Xmx1g', '-XX:MaxDirectMemorySize=1g'], 'org.apache.rocketmq.broker.BrokerStartup', {
      brokerClusterName: 'DefaultCluster', brokerName: 'broker-a', brokerId: 0, brokerIP1: '127.0.0.1', listenPort: port, haListenPort: port + 1, namesrvAddr: namesrv,
      storePathRootDir: join(directory, 'store'), mappedFileSizeCommitLog: 268_435_456, diskMaxUsedSpaceRatio: 95, enablePropertyFilter: true,
    });
    return { namesrv, home, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** The official client in a JVM of its own; its report. */
export function clientBench(cluster, words) {
  const result = spawnSync('java', javaWords(cluster.home, ['-Xms512m', '-Xmx1g'], 'mqlite.bench.ClientBench', ['--namesrv', cluster.namesrv, ...words.map(String)]), { encoding: 'utf8', maxBuffer: 64 << 20 });
  const line = result.stdout?.split('\n').findLast((text) => text.startsWith('{"client"'));
  if (result.status !== 0 || line === undefined) throw new Error(`ClientBench ${words.join(' ')} ended with ${result.status}\n${result.stderr}`);
  return JSON.parse(line);
}
