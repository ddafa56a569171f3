import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import Config from '../../src/commands/config.ts';
import type { ConfigList } from '../../src/cli/config-list.ts';
import { SETTINGS } from '../../src/cli/settings-table.ts';
import { runCommand } from '../support/fake/run.ts';

describe('config', () => {
  it('lists every setting with default, value and effect, and opens nothing', async () => {
    const result = await runCommand(Config, ['--json', '-X', 'sendMsgTimeout=5']);
    const { settings } = result.json as ConfigList;
    expect(settings.map((row) => row.name)).toEqual(SETTINGS.map((setting) => setting.name));
    expect(settings.find((row) => row.name === 'sendMsgTimeout')).toMatchObject({ default: '3000', value: '5', applied: true });
    expect(settings.find((row) => row.name === 'useTLS')).toMatchObject({ default: 'false', value: null, applied: false, here: expect.stringContaining('without connections') as string });
    expect(result.requests).toEqual([]);
  });

  it('shows one; an unknown one gets the nearest', async () => {
    expect((await runCommand(Config, ['autoCommit'])).stdout).toBe('NAME\tDEFAULT\tVALUE\tMEANING\tHERE\nautoCommit\ttrue\ttrue\tcommit consumed offsets\tapplied: consume --group; false commits nothing\n');
    const unknown = await runCommand(Config, ['autocomit']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([3, 'mqlite: there is no setting autocomit\n  Did you mean "autoCommit"?\n']);
  });

  it('takes the settings of the profile, and flags over them', async () => {
    const configDirectory = mkdtempSync(join(tmpdir(), 'mqlite-config-'));
    writeFileSync(join(configDirectory, 'profiles.json'), JSON.stringify({ active: 'p', profiles: { p: { store: '/s', settings: { sendMsgTimeout: '1', maxMessageSize: '2' } } } }));
    const { settings } = (await runCommand(Config, ['--json', '-X', 'maxMessageSize=3'], { configDirectory })).json as ConfigList;
    const value = (name: string) => settings.find((row) => row.name === name)!.value;
    expect([value('sendMsgTimeout'), value('maxMessageSize')]).toEqual(['1', '3']);
  });
});
