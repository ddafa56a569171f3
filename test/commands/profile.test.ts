import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import ProfileCreate from '../../src/commands/profile/create.ts';
import ProfileDelete from '../../src/commands/profile/delete.ts';
import ProfileList from '../../src/commands/profile/list.ts';
import ProfileShow from '../../src/commands/profile/show.ts';
import ProfileUse from '../../src/commands/profile/use.ts';
import TopicsList from '../../src/commands/topics/list.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';

describe('profile', () => {
  let configDirectory: string;
  beforeEach(async () => {
    configDirectory = mkdtempSync(join(tmpdir(), 'mqlite-profiles-'));
    await runCommand(ProfileCreate, ['dev', '--store', '/tmp/dev', '--use'], { configDirectory });
    await runCommand(ProfileCreate, ['prod', '--namesrv', 'mq1:9876;mq2:9876'], { configDirectory });
  });

  it('create keeps target, log and settings', async () => {
    const result = await runCommand(ProfileCreate, ['more', '--store', 'relative', '--commitlog-dir', '/log', '-X', 'sendMsgTimeout=5000', '--json'], { configDirectory });
    expect(result.json).toEqual({ name: 'more', active: false, store: join(process.cwd(), 'relative'), namesrv: null, commitLogDirectory: '/log', tls: null, accessKey: null, secretKey: null, settings: { sendMsgTimeout: '5000' } });
    expect(await runCommand(ProfileCreate, ['more', '--store', '/tmp/x', '--replace', '--use'], { configDirectory })).toMatchObject({ exitCode: 0, stdout: 'profile more: /tmp/x (in use)\n' });
  });

  it.each([
    [['x'], 'a profile needs one target'],
    [['x', '--store', 'a', '--namesrv', 'b:1'], 'a profile needs one target'],
    [['x', '--namesrv', 'nonsense'], 'is not a name server address'],
    [['x', '--namesrv', 'a:1', '--commitlog-dir', '/x'], 'does not go with'],
    [['../x', '--store', 'a'], 'is not a name for a profile'],
    [['dev', '--store', 'a'], 'already'],
    [['x', '--store', 'a', '-X', 'noSuchThing=1'], 'no such setting'],
    [['x', '--store', 'a', '--read-only'], '--read-only'],
    [['--store', 'a'], 'missing NAME'],
    [['x', '--store', 'a', '--tls'], '--tls does not go with --store'],
    [['x', '--store', 'a', '--access-key', 'k', '--secret-key', 'env:S'], '--access-key does not go with --store'],
    [['x', '--namesrv', 'a:1', '--access-key', 'k'], '--secret-key'],
    [['x', '--namesrv', 'a:1', '--access-key', 'k', '--secret-key', 'in-plain-sight'], '--secret-key takes no secret itself'],
    [['x', '--namesrv', 'a:1', '--access-key', 'k', '--secret-key', '-'], 'stdin is empty'],
  ])('create refuses %j', async (argv, words) => {
    const before = readFileSync(join(configDirectory, 'profiles.json'), 'utf8');
    const result = await runCommand(ProfileCreate, argv, { configDirectory });
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toContain(words);
    expect(readFileSync(join(configDirectory, 'profiles.json'), 'utf8')).toBe(before);
  });

  it('keeps TLS files and where secrets are; a secret of its own is never shown', async () => {
    const create = (name: string, argv: string[], stdin?: string) => runCommand(ProfileCreate, [name, '--namesrv', 'a:1', ...argv], { configDirectory, stdin });
    expect((await create('signed', ['--tls-ca', 'ca.pem', '--access-key', 'ops', '--secret-key', 'file:secret', '--json'])).json).toMatchObject({
      tls: { ca: join(process.cwd(), 'ca.pem'), cert: null, key: null }, accessKey: 'ops', secretKey: `file:${join(process.cwd(), 'secret')}`,
    });
    const stored = await create('stored', ['--tls', '--access-key', 'ops', '--secret-key', '-', '--json', '-v'], 'hush-hush\n');
    expect(stored.json).toMatchObject({ tls: { ca: null, cert: null, key: null }, accessKey: 'ops', secretKey: 'stored' });
    expect(readFileSync(join(configDirectory, 'profiles.json'), 'utf8')).toContain('"secretKey": "hush-hush"');
    expect(statSync(join(configDirectory, 'profiles.json')).mode & 0o777).toBe(0o600);
    const shown = await runCommand(ProfileShow, ['stored', '-v'], { configDirectory });
    expect(shown.stdout).toBe('name      stored\nnamesrv   a:1\ntls       yes\nkey       ops, secret stored in the profile\n');
    for (const { stdout, stderr } of [stored, shown, await runCommand(ProfileList, ['--json', '-v'], { configDirectory })]) expect(stdout + stderr).not.toContain('hush');
    const { requests } = await runCommand(TopicsList, ['--profile', 'stored', '--tls-ca', '/x.pem'], { configDirectory });
    expect(requests).toMatchObject([{ target: { tls: { ca: '/x.pem' }, credentials: { accessKey: 'ops', secretKey: 'hush-hush' } } }]);
  });

  it('show without a name tells what commands work on, and what chose it', async () => {
    const show = async (argv: string[], env: Record<string, string> = {}) => runCommand(ProfileShow, argv, { configDirectory, env });
    expect((await show([])).stdout).toBe('name      dev (in use)\nstore     /tmp/dev\nchosen by profile dev, profile use\n');
    expect((await show([], { MQLITE_PROFILE: 'prod' })).stdout).toBe('name      prod\nnamesrv   mq1:9876;mq2:9876\nchosen by profile prod, MQLITE_PROFILE\n');
    expect((await show([], { MQLITE_NAMESRV: 'a:1' })).stdout).toBe('namesrv   a:1\nchosen by MQLITE_NAMESRV\n');
    expect((await show(['--namesrv', 'a:1', '--tls', '--json'], { MQLITE_ACCESS_KEY: 'ops', MQLITE_SECRET_KEY: 'hush-hush' })).json).toEqual({
      name: null, active: false, store: null, namesrv: 'a:1', commitLogDirectory: null, tls: { ca: null, cert: null, key: null }, accessKey: 'ops', secretKey: null, settings: {}, source: '--namesrv',
    });
  });

  it('list shows them and which is in use', async () => {
    expect((await runCommand(ProfileList, [], { configDirectory })).stdout).toBe('NAME\tIN USE\tTARGET\ndev\tyes\t/tmp/dev\nprod\t\tmq1:9876;mq2:9876\n');
    expect((await runCommand(ProfileList, ['--json'], { configDirectory })).json).toMatchObject({ profiles: [{ name: 'dev', active: true }, { name: 'prod', active: false, store: null }], truncated: false });
    expect(await runCommand(ProfileList, ['x'], { configDirectory })).toMatchObject({ exitCode: 2 });
    writeFileSync(join(configDirectory, 'profiles.json'), 'broken');
    expect(await runCommand(ProfileList, [], { configDirectory })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('profiles.json: not JSON') });
  });

  it('the one in use is what commands work on', async () => {
    expect((await runCommand(TopicsList, [], { configDirectory })).requests).toMatchObject([{ target: { kind: 'local', directory: '/tmp/dev' } }]);
    expect(await runCommand(ProfileUse, ['prod'], { configDirectory })).toMatchObject({ exitCode: 0, stdout: 'profile prod in use\n' });
    expect((await runCommand(TopicsList, [], { configDirectory })).requests).toMatchObject([{ target: { kind: 'remote', addresses: ['mq1:9876', 'mq2:9876'] } }]);
    expect((await runCommand(ProfileUse, ['--none', '--json'], { configDirectory })).json).toEqual({ active: null });
    expect((await runCommand(TopicsList, [], { configDirectory })).requests).toMatchObject([{ target: { kind: 'local', source: 'default' } }]);
  });

  it('use refuses what is not there, and both or neither', async () => {
    expect(await runCommand(ProfileUse, ['prood'], { configDirectory })).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean "prod"?') });
    expect(await runCommand(ProfileUse, [], { configDirectory })).toMatchObject({ exitCode: 2 });
    expect(await runCommand(ProfileUse, ['dev', '--none'], { configDirectory })).toMatchObject({ exitCode: 2 });
  });

  it('show prints one', async () => {
    expect((await runCommand(ProfileShow, ['dev'], { configDirectory })).stdout).toBe('name      dev (in use)\nstore     /tmp/dev\n');
    expect((await runCommand(ProfileShow, ['prod', '--json'], { configDirectory })).json).toMatchObject({ name: 'prod', namesrv: 'mq1:9876;mq2:9876', settings: {} });
    const missing = await runCommand(ProfileShow, ['toString', '--json'], { configDirectory });
    expect(missing.exitCode).toBe(3);
    expect(errorOf(missing)).toMatchObject({ code: 'NOT_FOUND', message: 'there is no profile "toString"' });
  });

  it('delete forgets it, and its use', async () => {
    const result = await runCommand(ProfileDelete, ['dev'], { configDirectory });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'deleted profile dev\n', stderr: expect.stringContaining('default store') });
    expect(JSON.parse(readFileSync(join(configDirectory, 'profiles.json'), 'utf8'))).toMatchObject({ active: null, profiles: { prod: {} } });
    expect((await runCommand(ProfileDelete, ['prod', '--json'], { configDirectory })).json).toEqual({ name: 'prod', deleted: true });
    expect(await runCommand(ProfileDelete, ['prod'], { configDirectory })).toMatchObject({ exitCode: 3 });
    expect(await runCommand(ProfileDelete, [], { configDirectory })).toMatchObject({ exitCode: 2 });
  });
});
