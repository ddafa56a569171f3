import { describe, expect, it } from 'vitest';
// @ts-expect-error The build's own scripts are plain JavaScript.
import { lazyRequires } from '../../scripts/lib/lazy-require.mjs';

type Loader = (id: string) => unknown;

/** Runs CommonJS source against modules that note when they are loaded. */
function run(source: string): { readonly exports: Record<string, unknown>; readonly loaded: string[] } {
  const loaded: string[] = [];
  const load: Loader = (id) => {
    loaded.push(id);
    return { id, Class: class { readonly made = id; }, call: () => `called ${id}` };
  };
  const exports: Record<string, unknown> = {};
  const helpers = 'const __importDefault = (m) => ({ default: m }); const __importStar = (m) => ({ ...m, default: m });';
  // oxlint-disable-next-line no-implied-eval -- the transform's output is code
  new Function('require', 'exports', `${helpers}\n${(lazyRequires as (text: string) => string)(source)}`)(load, exports);
  return { exports, loaded };
}

describe('lazyRequires', () => {
  it('loads on first use, once', () => {
    const { exports, loaded } = run('const a_1 = require("a");\nexports.go = () => (0, a_1.call)() + a_1.id;');
    expect(loaded).toEqual([]);
    expect((exports['go'] as () => string)()).toBe('called aa');
    expect(loaded).toEqual(['a']);
  });

  it('keeps the construction of a member one', () => {
    const { exports } = run('const a_1 = require("a");\nexports.go = () => new a_1.Class().made;');
    expect((exports['go'] as () => string)()).toBe('a');
  });

  it('knows default and star imports', () => {
    const { exports, loaded } = run('const a_1 = __importDefault(require("a"));\nconst B = __importStar(require("b"));\nexports.go = () => a_1.default.id + B.id;');
    expect(loaded).toEqual([]);
    expect((exports['go'] as () => string)()).toBe('ab');
  });

  it('makes re-exported namespaces lazy', () => {
    const { exports, loaded } = run('exports.Args = __importStar(require("args"));');
    expect(loaded).toEqual([]);
    expect((exports['Args'] as { id: string }).id).toBe('args');
    expect((exports['Args'] as { id: string }).id).toBe('args');
    expect(loaded).toEqual(['args']);
  });

  it('leaves a module alone that is used as a value', () => {
    expect(run('const a_1 = require("a");\nexports.all = a_1;').loaded).toEqual(['a']);
  });
});
