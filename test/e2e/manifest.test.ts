import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';

const ROOT = resolve(import.meta.dirname, '../..');

it('manifest --check: passes for what is committed, fails and names the files when a flag is another one', () => {
  const root = temporaryDirectory('manifest');
  for (const path of ['package.json', 'oclif.manifest.json', 'README.md', 'man', 'docs/commands', 'docs/json', 'scripts', 'dist']) cpSync(join(ROOT, path), join(root, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  mkdirSync(join(root, 'home'));
  const check = (): { readonly status: number | null; readonly stderr: string } => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/manifest.mjs', '--check'], { cwd: root, env: { ...process.env, HOME: join(root, 'home') }, encoding: 'utf8' });
    return { status, stderr };
  };
  expect(check()).toEqual({ status: 0, stderr: '' });

  const bundle = join(root, 'dist/cli.cjs');
  const built = readFileSync(bundle, 'utf8');
  writeFileSync(bundle, built.replace('description: "bytes of a body"', 'description: "octets of a body"'));
  const { status, stderr } = check();
  expect(status).toBe(1);
  expect(stderr.split('\n').slice(0, 3)).toEqual(['oclif.manifest.json', 'man/mqlite.1', 'docs/commands/bench.md'].map((path) => `${path} is not what the commands say`));
  expect(stderr).toContain('npm run manifest');
});
