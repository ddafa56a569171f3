/**
 * Completes `package-lock.json` after a change of dependencies. Some registries lack the packages that native tools
 * publish for other platforms; npm then leaves them out of the lock, and `npm ci` refuses the lock because of it.
 * The absent ones are added as what they are: optional, and for another operating system or processor.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const OPERATING_SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

const path = join(dirname(import.meta.dirname), 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));

let added = 0;
for (const [location, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(location, name)) continue;
    if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${name} in ${location}: "${version}" is a range; which version to lock is for npm to say`);
    lock.packages[`node_modules/${name}`] = { version, ...platform(name), dev: entry.dev, optional: true };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} optional packages added\n`);

/** Node's rule: looked for beside the package that asks and in every directory above it. */
function isLocked(location, name) {
  for (let at = location; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (!at.includes('/node_modules/')) break;
  }
  return lock.packages[`node_modules/${name}`] !== undefined;
}

function platform(name) {
  const words = name.split(/[/-]/);
  const os = OPERATING_SYSTEMS.filter((word) => words.includes(word));
  const cpu = PROCESSORS.filter((word) => words.includes(word));
  // Names such as wasm32-wasi are for no platform of Node's.
  if (os.length !== 1) throw new Error(`${name}: not the name of a package for one platform`);
  return { os, ...(cpu.length === 1 ? { cpu } : {}) };
}
