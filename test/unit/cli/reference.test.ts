import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Config } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { broadcastFiles } from '../../../src/cli/broadcast-files.ts';
import { decisionDirectory } from '../../../src/cli/decision-note.ts';
import { ENVIRONMENT, EXEC_ENVIRONMENT, FILES } from '../../../src/cli/environment.ts';
import { profilesPath } from '../../../src/cli/profiles.ts';
import { ledgerPath } from '../../../src/cli/redrive-ledger.ts';
import { messageEnvironment } from '../../../src/cli/run-command.ts';
import { defaultStoreDirectory } from '../../../src/cli/target.ts';
import type { RemoteTarget } from '../../../src/cli/target.ts';
import type { Message } from '../../../src/record/message.ts';
import { temporaryDirectory } from '../../support/fixtures.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** Where a home directory is, on any system: no file is there. */
const NOT_SHOWN = new Set(['HOME', 'LOCALAPPDATA']);

describe('the reference', () => {
  it('has every variable that the code reads, and none that it does not', () => {
    const sources = [...readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts')).map((path) => join(ROOT, 'src', path)), join(ROOT, 'bin/launch.js')];
    const read = new Set(sources.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/\benv(?:\.([A-Z][A-Z_]+)|\[(['"])([A-Z_]+)\2\])/g)].map((found) => found[1] ?? found[3]!)));
    // @oclif/core looks for the directories.
    for (const name of ['MQLITE_CONFIG_DIR', 'MQLITE_DATA_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME']) read.add(name);
    expect(ENVIRONMENT.map(({ name }) => name).sort()).toEqual([...read].filter((name) => !NOT_SHOWN.has(name)).sort());
  });

  it('has what a command of --exec finds', () => {
    const message = { properties: { 'a b': 'c' }, topic: 't', keys: [], msgId: 'i', queueId: 0, queueOffset: 0, reconsumeTimes: 0 } as unknown as Message;
    const found = Object.keys(messageEnvironment(message)).map((name) => name.replace(/^MQ_PROPERTY_.*/, 'MQ_PROPERTY_<NAME>'));
    expect(EXEC_ENVIRONMENT.map(({ name }) => name).sort()).toEqual(found.sort());
  });

  it('has the files where the code has them', async () => {
    const [config, data] = ['/home/u/.config/mqlite', '/home/u/.local/share/mqlite'];
    const cluster = { kind: 'remote', addresses: ['mq:9876'] } as unknown as RemoteTarget;
    const places = [profilesPath(config), defaultStoreDirectory(data), ledgerPath(cluster, data, 'g'), decisionDirectory(cluster, data)];
    const listed = FILES.map(({ path }) => path.replace('~', '/home/u'));
    for (const place of places) expect(listed.some((path) => place === path || place.startsWith(`${path}/`)), place).toBe(true);
    const temporary = temporaryDirectory('reference');
    const offsets = await broadcastFiles(temporary, ['mq:9876']).open('i', 'g');
    offsets.close();
    for (const name of readdirSync(temporary)) expect(listed).toContain(`${data}/${name}`);
  });

  it('says right where @oclif/core looks for configuration and data', async () => {
    const before = { ...process.env };
    try {
      const load = async (env: Readonly<Record<string, string>>): Promise<string[]> => {
        for (const name of ['MQLITE_CONFIG_DIR', 'MQLITE_DATA_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME']) delete process.env[name];
        Object.assign(process.env, { HOME: '/home/u' }, env);
        const config = await Config.load(ROOT);
        return [config.configDir, config.dataDir];
      };
      expect(await load({})).toEqual(['/home/u/.config/mqlite', '/home/u/.local/share/mqlite']);
      expect(await load({ XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d' })).toEqual(['/c/mqlite', '/d/mqlite']);
      expect(await load({ MQLITE_CONFIG_DIR: '/mine', MQLITE_DATA_DIR: '/own', XDG_DATA_HOME: '/d' })).toEqual(['/mine', '/own']);
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });
});
