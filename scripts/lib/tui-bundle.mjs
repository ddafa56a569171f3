import { join } from 'node:path';

/** Classes that `instanceof` asks for: both bundles must have the same ones. */
const SHARED = { 'broker/errors.ts': ['MqliteError', 'ERROR_TABLE'], 'base/codec-error.ts': ['CodecError'] };
/** Where they are handed over while the module is loaded. */
const HANDOVER = "Symbol.for('mqlite.shared')";

/** For the main bundle: in place of `src/tui/open.ts`, what loads the module of the view through the launcher. */
export function tuiOnUse() {
  return {
    name: 'tui-on-use',
    setup(builder) {
      builder.onResolve({ filter: /\/tui\/open\.ts$/ }, ({ resolveDir }) => ({ path: 'tui', namespace: 'tui-on-use', pluginData: { source: join(resolveDir, '..') } }));
      builder.onLoad({ filter: /.*/, namespace: 'tui-on-use' }, ({ pluginData: { source } }) => ({
        loader: 'js',
        resolveDir: source,
        contents: `
${Object.entries(SHARED).map(([file, names]) => `import { ${names.join(', ')} } from './${file}';`).join('\n')}
export async function openTui(options) {
  // With fetch in sight yoga would load its binary through it, and Node all of undici for that.
  const fetch = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  delete globalThis.fetch;
  globalThis[${HANDOVER}] = { ${Object.values(SHARED).flat().join(', ')} };
  let view;
  try {
    view = await require.loadModule('tui.mjs');
  } finally {
    if (fetch !== undefined) Object.defineProperty(globalThis, 'fetch', fetch);
    delete globalThis[${HANDOVER}];
  }
  return view.openTui(options);
}`,
      }));
    },
  };
}

/** How `dist/tui.mjs` is built. An ES module, because yoga-layout waits at its top level. */
export function tuiBundle(root) {
  return {
    absWorkingDir: root,
    entryPoints: ['src/tui/open.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    jsx: 'automatic',
    legalComments: 'none',
    outfile: 'dist/tui.mjs',
    define: { 'process.env.NODE_ENV': '"production"' },
    // React is CommonJS and asks for built-in modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    plugins: [sharedClasses(), inkAlone()],
    logLevel: 'warning',
  };
}

function sharedClasses() {
  return {
    name: 'shared-classes',
    setup(builder) {
      for (const [file, names] of Object.entries(SHARED)) {
        const end = new RegExp(`/${file.split('/').at(-1).replace('.', '\\.')}$`);
        builder.onResolve({ filter: end }, () => ({ path: file, namespace: 'shared-classes', pluginData: names }));
      }
      builder.onLoad({ filter: /.*/, namespace: 'shared-classes' }, ({ pluginData: names }) => ({
        loader: 'js', contents: `export const { ${names.join(', ')} } = globalThis[${HANDOVER}];`,
      }));
    },
  };
}

/** Without what ink has for development, and drawing also where CI is in the environment: whoever opens the view sits before a terminal. */
function inkAlone() {
  const stubs = { 'react-devtools-core': 'export default {};', 'is-in-ci': 'export default false;' };
  return {
    name: 'ink-alone',
    setup(builder) {
      builder.onResolve({ filter: /^(react-devtools-core|is-in-ci)$/ }, ({ path }) => ({ path, namespace: 'ink-alone' }));
      builder.onLoad({ filter: /.*/, namespace: 'ink-alone' }, ({ path }) => ({ loader: 'js', contents: stubs[path] }));
    },
  };
}
