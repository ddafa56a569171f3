import { defineConfig } from 'vitest/config';

/**
 * One project a folder, so that a run can be narrowed: `npx vitest run --project unit`. Interop has a config of its own.
 * e2e measures shares, delays and idle processors: it runs last and one file at a time, with the machine to itself.
 */
const PROJECTS: readonly { readonly name: string; readonly testTimeout: number }[] = [
  { name: 'unit', testTimeout: 10_000 },
  { name: 'golden', testTimeout: 30_000 },
  { name: 'contract', testTimeout: 30_000 },
  { name: 'property', testTimeout: 120_000 },
  { name: 'fault', testTimeout: 600_000 },
  { name: 'commands', testTimeout: 30_000 },
  { name: 'tui', testTimeout: 60_000 },
  { name: 'e2e', testTimeout: 120_000 },
];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // oclif's captured output and the tests' own spies need the real console.
    disableConsoleIntercept: true,
    reporters: process.env['MQLITE_TEST_REPORT'] === undefined ? ['default'] : ['default', 'json'],
    outputFile: process.env['MQLITE_TEST_REPORT'] === undefined ? {} : { json: process.env['MQLITE_TEST_REPORT'] },
    projects: PROJECTS.map(({ name, testTimeout }) => ({
      extends: true as const,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout,
        hookTimeout: 120_000,
        ...(name === 'e2e' ? { maxWorkers: 1, sequence: { groupOrder: 1 } } : {}),
      },
    })),
  },
});
