import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { jsonLines, outputOf, runCli, runShell } from '../support/processes.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const mounts: string[] = [];
afterAll(() => {
  for (const mount of mounts) spawnSync('umount', ['-l', mount]);
});

/** A file system of its own, or null where mounting is not allowed. */
const mountTmpfs = (options: string): string | null => {
  const directory = temporaryDirectory('tmpfs');
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]).status !== 0) return null;
  mounts.push(directory);
  return directory;
};

const isRoot = process.getuid?.() === 0;
const canDropRights = isRoot && spawnSync('setpriv', ['--reuid=65534', '--clear-groups', 'true']).status === 0;
const small = ['--segment-size', '1MiB', '--queue-file-entries', '1000', '--index-slots', '100', '--index-entries', '1000'];

describe('a full disk', () => {
  const disk = isRoot ? mountTmpfs('size=6m') : null;
  it.skipIf(disk === null)('exit 8; what was acknowledged stays, nothing else comes; with room again it goes on', () => {
    const store = path.join(disk!, 'store');
    outputOf(['store', 'init', ...small], { store });
    outputOf(['produce', 't', 'first'], { store });
    const { status, stdout, stderr } = runShell(`for i in $(seq 1 20000); do echo "$i ${'x'.repeat(1000)}"; done | $MQLITE produce t --json`, { store });
    expect({ status, stderr }).toEqual({ status: 8, stderr: expect.stringContaining('STORAGE_FAILED') as string });
    const acknowledged = jsonLines<{ status?: string; queueId: number; queueOffset: number; msgId: string }>(stdout).filter((line) => line.status === 'SEND_OK');
    expect(acknowledged.length).toBeGreaterThan(100);
    const read = (): Map<string, string> => new Map(jsonLines<{ queueId: number; queueOffset: number; msgId: string }>(outputOf(['consume', 't', '--until-end', '--json'], { store })).map((message) => [`${message.queueId}/${message.queueOffset}`, message.msgId]));
    const found = read();
    for (const { queueId, queueOffset, msgId } of acknowledged) expect(found.get(`${queueId}/${queueOffset}`)).toBe(msgId);
    expect(runCli(['store', 'verify'], { store }).status).toBe(0);
    expect(spawnSync('mount', ['-o', 'remount,size=40m', disk!]).status).toBe(0);
    outputOf(['produce', 't', 'after'], { store });
    expect(read().size).toBeGreaterThanOrEqual(acknowledged.length + 2);
    expect(runCli(['store', 'verify'], { store }).status).toBe(0);
  });

  it('and a limit on the length of files (EFBIG) are failures of the storage, too', () => {
    const store = path.join(temporaryDirectory('limits'), 'store');
    outputOf(['store', 'init', ...small], { store });
    // 512 KiB: less than a segment.
    const { status, stderr } = runShell('ulimit -f 512; trap "" XFSZ; $MQLITE produce t x', { store });
    expect({ status, stderr }).toEqual({ status: 8, stderr: expect.stringContaining(store) as string });
    outputOf(['produce', 't', 'after'], { store });
    expect(outputOf(['consume', 't', '--until-end'], { store })).toBe('after\n');
  });
});

describe('a store that may not be written', () => {
  const disk = isRoot ? mountTmpfs('size=40m') : null;
  it.skipIf(disk === null)('on a read-only file system: looking works, writing exits 5', () => {
    const store = path.join(disk!, 'store');
    outputOf(['store', 'init', ...small], { store });
    outputOf(['produce', 't', 'first'], { store });
    expect(spawnSync('mount', ['-o', 'remount,ro', disk!]).status).toBe(0);
    expect(outputOf(['consume', 't', '--until-end'], { store })).toBe('first\n');
    expect(outputOf(['topics', 'list'], { store })).toContain('t');
    expect(runCli(['store', 'verify'], { store }).status).toBe(0);
    for (const args of [['produce', 't', 'x'], ['consume', 't', '--group', 'g', '--until-end'], ['topics', 'create', 'u']]) {
      expect(runCli([...args, '--json'], { store }), args.join(' ')).toMatchObject({ status: 5, stdout: '', stderr: expect.stringContaining('read-only') as string });
    }
  });

  it.skipIf(!canDropRights)('without permission: exit 5 and the path; where reading is allowed, looking works', () => {
    // Everything above the store must be passable for somebody else.
    const store = path.join(temporaryDirectory('rights'), 'store');
    fs.chmodSync(path.dirname(store), 0o755);
    outputOf(['store', 'init', ...small], { store });
    outputOf(['produce', 't', 'first'], { store });
    const nobody = (words: string): ReturnType<typeof runShell> => runShell(`HOME=/nonexistent setpriv --reuid=65534 --clear-groups $MQLITE ${words}`, { store });
    const before = snapshotTree(store);
    expect(nobody('consume t --until-end')).toMatchObject({ status: 0, stdout: 'first\n' });
    expect(nobody('produce t x')).toMatchObject({ status: 5, stderr: expect.stringContaining(store) as string });
    expect(nobody('consume t --group g --until-end')).toMatchObject({ status: 5 });
    expect(snapshotTree(store)).toEqual(before);
    fs.chmodSync(path.join(store, 'commitlog'), 0o700);
    expect(nobody('consume t --until-end')).toMatchObject({ status: 5, stdout: '' });
    fs.chmodSync(store, 0o700);
    expect(nobody('topics list')).toMatchObject({ status: 5, stdout: '' });
  });
});
