import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { TESTED_VERSIONS } from './jvm.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why nothing can run against a real broker here; null when it can. */
    interopSkipReason: string | null;
  }
}

const setupScript = fileURLToPath(new URL('../../../scripts/interop-setup.mjs', import.meta.url));

/**
 * Resolves and compiles the Java side once, and gives the run a directory of its own for stores and logs, removed at the end
 * (MQLITE_INTEROP_KEEP=1 keeps it). Without a JVM: one line, and every test is skipped; with MQLITE_REQUIRE_INTEROP=1 that
 * is a failure.
 */
export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'mqlite-interop-'));
  process.env['MQLITE_INTEROP_TMP'] = directory;
  const problem = TESTED_VERSIONS.map(setUp).find((text) => text !== null);
  const reason = problem?.split('\n')[0] ?? null;
  if (problem !== undefined) {
    if (process.env['MQLITE_REQUIRE_INTEROP'] === '1') throw new Error(`interop tests are required here but cannot run: ${problem}`);
    process.stderr.write(`interop tests SKIPPED: ${reason}\n`);
  }
  project.provide('interopSkipReason', reason);
  return () => {
    if (process.env['MQLITE_INTEROP_KEEP'] !== '1') rmSync(directory, { recursive: true, force: true });
  };
}

/** What keeps a release from being there, its first line for people; null: it is there. */
function setUp(version: string): string | null {
  const { status, stderr } = spawnSync(process.execPath, [setupScript, '--version', version], { encoding: 'utf8' });
  return status === 0 ? null : stderr.trim() || `interop-setup ended with ${status}`;
}
