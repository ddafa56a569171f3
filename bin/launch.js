'use strict';
/**
 * Starts `dist/cli.cjs` fast: compiles it from V8's code cache, which it keeps in the user's cache directory, and
 * answers `--version` without loading it. The cache is only ever an optimisation: absent, foreign, stale, damaged or in
 * a place that can't be written, the program is compiled from source and nobody notices.
 */
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');
const { crc32 } = require('node:zlib');

const ROOT = path.dirname(__dirname);
const BUNDLE = path.join(ROOT, 'dist', 'cli.cjs');
/** Layout of a cache file: magic, checksum of the rest, then V8's data. */
const MAGIC = 0x4d514c31;
const HEADER_BYTES = 8;
/** Caches that no run has written for so long belong to versions that are gone. */
const STALE_MS = 14 * 24 * 3_600_000;

function launch() {
  const argv = process.argv.slice(2);
  if (argv[0] === '--version') return printVersion();
  let source;
  try {
    // The build keeps the bundle ASCII: latin1 is then exact, and the cheapest to read.
    source = fs.readFileSync(BUNDLE, 'latin1');
  } catch {
    process.stderr.write('mqlite: dist/cli.cjs is missing\n  Run "npm ci" (or "npm run build") in ' + ROOT + '\n');
    process.exitCode = 70;
    return undefined;
  }
  const cache = openCache(source, argv);
  const script = new vm.Script(Module.wrap(source), { filename: BUNDLE, cachedData: cache.data });
  const loaded = new Module(BUNDLE, undefined);
  loaded.filename = BUNDLE;
  loaded.paths = Module._nodeModulePaths(path.dirname(BUNDLE));
  const bundleRequire = Module.createRequire(BUNDLE);
  // A script that comes from a code cache cannot import: this does, for the full-screen view.
  bundleRequire.loadModule = (name) => import(pathToFileURL(path.join(path.dirname(BUNDLE), name)).href);
  script.runInThisContext().call(loaded.exports, loaded.exports, bundleRequire, loaded, BUNDLE, path.dirname(BUNDLE));
  if (cache.path !== undefined && (cache.data === undefined || script.cachedDataRejected)) {
    // After the run, so that what the command compiled on its way is in it.
    process.once('exit', () => saveCache(cache.path, script));
  }
  return loaded.exports.main({ argv, root: ROOT });
}

function printVersion() {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const text = `${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`;
  try {
    fs.writeSync(1, text);
  } catch (error) {
    if (error.code === 'EAGAIN') process.stdout.write(text);
    else if (error.code !== 'EPIPE') throw error;
  }
}

/**
 * The cache of this bundle, Node version and command. One a command: the functions that a command needs differ, and
 * V8 unpacks a cache as a whole.
 */
function openCache(source, argv) {
  const directory = cacheDirectory();
  // The build puts an identity of the contents into the bundle's first line: //<16 hex digits>
  const build = /^\/\/([0-9a-f]{16})\n/.exec(source)?.[1];
  if (directory === undefined || build === undefined) return {};
  const file = path.join(directory, `${build}-${process.version}-${process.arch}-${commandWords(source, argv)}.v8`);
  return { path: file, data: readCache(file) };
}

/** The command's id as far as it can be told from the words: `topics-list`, `produce`, `help-produce`, or `other`. */
function commandWords(source, argv) {
  // The bundle's second line: //<command ids separated by spaces>
  const start = source.indexOf('\n') + 3;
  const ids = source.slice(start, source.indexOf('\n', start)).split(' ');
  const pair = `${argv[0]}:${argv[1]}`;
  const id = ids.includes(pair) ? pair.replace(':', '-') : ids.includes(argv[0]) ? argv[0] : 'other';
  return argv.length === 0 || argv[0] === 'help' || argv.includes('--help') ? `help-${id}` : id;
}

function cacheDirectory() {
  const { env } = process;
  if (env.MQLITE_NO_CODE_CACHE) return undefined;
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) return path.join(env.XDG_CACHE_HOME, 'mqlite');
  if (process.platform === 'win32') return env.LOCALAPPDATA ? path.join(env.LOCALAPPDATA, 'mqlite', 'cache') : undefined;
  if (!env.HOME) return undefined;
  return process.platform === 'darwin' ? path.join(env.HOME, 'Library', 'Caches', 'mqlite') : path.join(env.HOME, '.cache', 'mqlite');
}

/** V8's data, or undefined. It is machine code's next of kin: only a file that is ours alone is trusted. */
function readCache(file) {
  let fd;
  try {
    fd = fs.openSync(file, 'r');
    const stat = fs.fstatSync(fd);
    if (process.getuid !== undefined && (stat.uid !== process.getuid() || (stat.mode & 0o022) !== 0)) return undefined;
    const bytes = Buffer.allocUnsafeSlow(stat.size);
    if (stat.size <= HEADER_BYTES || fs.readSync(fd, bytes, 0, stat.size, 0) !== stat.size) return undefined;
    const data = bytes.subarray(HEADER_BYTES);
    return bytes.readUInt32LE(0) === MAGIC && bytes.readUInt32LE(4) === crc32(data) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function saveCache(file, script) {
  const temporary = `${file}.${process.pid}`;
  try {
    const data = script.createCachedData();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(crc32(data), 4);
    const directory = path.dirname(file);
    // Not with `recursive`: below a directory such as /proc Node 20 would try for ever.
    for (const each of [path.dirname(directory), directory]) if (!fs.existsSync(each)) fs.mkdirSync(each, { mode: 0o700 });
    fs.writeFileSync(temporary, Buffer.concat([header, data]), { mode: 0o600 });
    fs.renameSync(temporary, file);
    removeStale(path.dirname(file));
  } catch {
    try {
      fs.unlinkSync(temporary);
    } catch {
      // It was never made.
    }
  }
}

function removeStale(directory) {
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name);
    if (/\.v8(\.\d+)?$/.test(name) && Date.now() - fs.statSync(file).mtimeMs > STALE_MS) fs.unlinkSync(file);
  }
}

module.exports = { launch };
