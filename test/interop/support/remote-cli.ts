import { fileURLToPath } from 'node:url';
import { Child } from './process.ts';

const launcher = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

/** The command-line tool in a process of its own; nothing of this process's environment names a target or a key. */
export function mqliteOnCluster(args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MQLITE_|NAMESRV_ADDR)/.test(name)));
  return new Child(process.execPath, [launcher, ...args], { env: { ...inherited, NO_COLOR: '1', ...env } });
}

/** Runs it to its end, whatever that is. */
export async function runOnCluster(args: readonly string[], options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {}): Promise<CliResult> {
  const startedMs = performance.now();
  const child = mqliteOnCluster(args, options.env);
  if (options.input !== undefined) child.write(options.input);
  child.endInput();
  const { code } = await child.exited;
  return { code, stdout: child.stdout, stderr: child.stderr, elapsedMs: performance.now() - startedMs };
}
