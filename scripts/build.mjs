/**
 * Builds `dist/cli.cjs`: one CommonJS file, in which a module is evaluated when it is first used. The native addon and
 * the compression packages stay outside: they are loaded from node_modules when they are needed. Also writes `src/cli/command-table.ts` from the files under `src/commands`.
 * `dist/tui.mjs` is the full-screen view with ink: an ES module of its own, loaded when the view is opened and never before.
 *
 * The first two lines of the bundle are for the launcher: an identity of the contents, and the command ids.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { listCommands, renderCommandTable } from './lib/commands.mjs';
import { lazyRequires } from './lib/lazy-require.mjs';
import { tuiBundle, tuiOnUse } from './lib/tui-bundle.mjs';

const root = dirname(import.meta.dirname);
const dist = join(root, 'dist');

const commands = listCommands(join(root, 'src/commands'));
writeWhenChanged(join(root, 'src/cli/command-table.ts'), renderCommandTable(commands));

const result = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // The launcher reads the bundle as latin1.
  charset: 'ascii',
  legalComments: 'none',
  // Not minified, no source map: it is no faster to start (measured), and stack traces stay readable as they are.
  outfile: 'dist/cli.cjs',
  // Good enough for createRequire, which is all it is used for.
  define: { 'import.meta.url': '__filename' },
  // Asked for by @oclif/core in case they are there.
  external: ['typescript', 'ts-node', 'pnpapi'],
  plugins: [oclifCore(), tuiOnUse()],
  logLevel: 'warning',
});

const tui = await build(tuiBundle(root));

const [code] = result.outputFiles;
const identity = createHash('sha256').update(code.contents).digest('hex').slice(0, 16);
mkdirSync(dist, { recursive: true });
writeAtomically(join(dist, 'cli.cjs'), `//${identity}\n//${commands.map(({ id }) => id).join(' ')}\n${code.text}`);
writeAtomically(join(dist, 'tui.mjs'), tui.outputFiles[0].text);

/** @oclif/core evaluates what it needs when it needs it; what only ever guards or decorates is left out. */
function oclifCore() {
  return {
    name: 'oclif-core',
    setup(builder) {
      builder.onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, ({ path }) => {
        let source = readFileSync(path, 'utf8');
        if (/core[\\/]lib[\\/]index\.js$/.test(path)) {
          // npm's engine check and bin/run.js cover this; it costs loading semver at every start.
          source = replaceOnce(source, '\ncheckNodeVersion();\n', '\n', path);
        }
        if (/core[\\/]lib[\\/]command\.js$/.test(path)) {
          // It opens stdout at every start. src/cli/output.ts handles a closed pipe.
          source = source.replace(/^process\.stdout\.on\('error'[^]*?^\}\);$/m, '');
          if (source.includes('process.stdout.on(')) throw new Error(`${path}: not the shape this build knows`);
        }
        return { contents: lazyRequires(source), loader: 'js' };
      });
      // Only names the platform "wsl" in the user agent, for the price of reading several files at every start.
      builder.onResolve({ filter: /^wsl-utils$/ }, () => ({ path: 'wsl-utils', namespace: 'stub' }));
      builder.onLoad({ filter: /^wsl-utils$/, namespace: 'stub' }, () => ({
        contents: 'export const isWsl = false; export const powerShellPath = () => "powershell.exe";',
        loader: 'js',
      }));
    },
  };
}

function replaceOnce(source, from, to, path) {
  if (source.split(from).length !== 2) throw new Error(`${path}: not the shape this build knows`);
  return source.replace(from, () => to);
}

function writeWhenChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeAtomically(path, text);
}

/** Several builds may run at once, and a command may start in the middle. */
function writeAtomically(path, text) {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
