import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Cluster } from './support/cluster.ts';
import { temporaryDirectory } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describeInterop('README', () => {
  it('every command in a block for clusters works, one after the other', async () => {
    const home = temporaryDirectory('readme');
    mkdirSync(join(home, 'bin'));
    symlinkSync(join(root, 'bin/run.js'), join(home, 'bin/mqlite'));
    const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```sh cluster\n(.*?)^```$/gms)].map(([, text]) => text!);
    expect(blocks).not.toEqual([]);
    const cluster = await Cluster.start({ brokers: [{ name: 'broker-a' }] });
    try {
      const script = blocks.join('\n').replaceAll('mq1:9876', cluster.namesrv);
      const env = { PATH: `${join(home, 'bin')}${delimiter}${process.env['PATH']}`, HOME: home };
      const { status, stdout, stderr } = spawnSync('/bin/bash', ['--norc', '--noprofile', '-eu', '-o', 'pipefail', '-c', script], { cwd: home, env, encoding: 'utf8', timeout: 120_000 });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.match(/^an order$/gm)).toHaveLength(2);
      expect(stdout).toContain('fileReservedTime=');
      const copied = spawnSync(process.execPath, [join(root, 'bin/run.js'), 'consume', 'orders', '--until-end', '--store', join(home, 'copy'), '--format', '%k %g %v\\n'], { encoding: 'utf8' });
      expect(copied.stdout).toBe('o-1 created an order\n');
    } finally {
      await cluster.end();
    }
  });
});
