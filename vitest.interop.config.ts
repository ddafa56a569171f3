import { defineConfig } from 'vitest/config';

/** Tests against a real broker. One file after the other: every JVM wants both cores while it starts. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/interop/support/global-setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
    reporters: process.env['MQLITE_TEST_REPORT'] === undefined ? ['default'] : ['default', 'json'],
    outputFile: process.env['MQLITE_TEST_REPORT'] === undefined ? {} : { json: process.env['MQLITE_TEST_REPORT'] },
  },
});
