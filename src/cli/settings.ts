import { MqliteError } from '../broker/errors.ts';
import { suggestion } from './did-you-mean.ts';
import { SETTINGS } from './settings-table.ts';
import type { AppliedName, Setting } from './settings-table.ts';
import type { Target } from './target.ts';

/** The checked `-X` settings of one run. Values not given are the Java client's defaults. */
export interface SettingValues {
  /** Given by the user, not a default. */
  isGiven(name: AppliedName): boolean;
  integer(name: AppliedName): number;
  boolean(name: AppliedName): boolean;
  text(name: AppliedName): string;
}

export function findSetting(name: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.name === name);
}

/**
 * `NAME=VALUE` each; of a name given twice the last counts. Errors, all USAGE: no `=`, an unknown name (with did-you-mean),
 * a name without effect here (with the reason), a value of the wrong type.
 */
export function parseSettings(pairs: readonly string[]): SettingValues {
  const given = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new MqliteError('USAGE', `-X ${pair}: NAME=VALUE expected`, { hint: 'For example -X sendMsgTimeout=5000; "mqlite config" lists the names.' });
    const name = pair.slice(0, equals);
    given.set(name, checkedValue(name, pair.slice(equals + 1)));
  }
  const text = (name: AppliedName): string => given.get(name) ?? findSetting(name)!.default;
  return {
    isGiven: (name) => given.has(name),
    text,
    integer: (name) => Number(text(name)),
    boolean: (name) => text(name) === 'true',
  };
}

/** Error: USAGE for a setting without effect in the command or on its target; it names where it has one. */
export function refuseSettingsOfOthers(pairs: readonly string[], command: string, target: Target): void {
  for (const name of pairs.map(nameOf)) {
    const { here } = findSetting(name)!;
    if ('onCluster' in here) {
      if (target.kind === 'remote') continue;
      throw new MqliteError('USAGE', `-X ${name} has no effect on a store directory (${target.directory})`, { hint: 'It is for clusters: a directory is used without connections, name servers or heartbeats.' });
    }
    if ('refused' in here || here.commands.includes(command)) continue;
    const places = here.commands.map((other) => `"${other}"`).join(' and ');
    throw new MqliteError('USAGE', `-X ${name} has no effect in this command, but in ${places}`, { hint: `It counts in ${here.applied}.` });
  }
}

const EXEC_SETTINGS: readonly string[] = ['maxReconsumeTimes', 'suspendCurrentQueueTimeMillis', 'consumeTimeout'] satisfies AppliedName[];

/** Error: USAGE for a setting of groups without one, or of --exec without that. */
export function refuseSettingsWithout(pairs: readonly string[], flags: { readonly group?: string | undefined; readonly exec?: string | undefined }): void {
  for (const name of pairs.map(nameOf)) {
    const { here } = findSetting(name)!;
    const isOfReading = 'commands' in here && here.commands.includes('tail');
    const missing = flags.group === undefined && !isOfReading ? '--group' : flags.exec === undefined && EXEC_SETTINGS.includes(name) ? '--exec' : undefined;
    if (missing !== undefined) throw new MqliteError('USAGE', `-X ${name} has no effect without ${missing}`, { hint: 'applied' in here ? `It counts in ${here.applied}.` : '"mqlite config" says what each setting does.' });
  }
}

const nameOf = (pair: string): string => pair.slice(0, pair.indexOf('='));

function checkedValue(name: string, value: string): string {
  const setting = findSetting(name);
  if (setting === undefined) {
    throw new MqliteError('USAGE', `-X ${name}: no such setting`, { hint: suggestion(name, SETTINGS.map((known) => known.name)) ?? '"mqlite config" lists the names.' });
  }
  if ('refused' in setting.here) throw new MqliteError('USAGE', `-X ${name} has no effect here: ${setting.here.refused}`, { hint: 'Leave it out; "mqlite config" says what each setting does.' });
  const expected = typeError(setting, value);
  if (expected !== undefined) throw new MqliteError('USAGE', `-X ${name}=${value}: ${expected} expected`, { hint: `${setting.meaning}; default ${setting.default}.` });
  return value;
}

function typeError(setting: Setting, value: string): string | undefined {
  // -1, where it stands for none.
  if (value === setting.default) return undefined;
  if (setting.type === 'boolean') return value === 'true' || value === 'false' ? undefined : 'true or false';
  if (setting.type === 'text') return setting.oneOf === undefined || setting.oneOf.includes(value) ? undefined : setting.oneOf.join(', ');
  const number = Number(value);
  const { minimum = 0, maximum = 0x7fff_ffff } = setting;
  if (!/^\d+$/.test(value) || number > maximum || number < minimum) return `a whole number from ${minimum} to ${maximum}`;
  return undefined;
}
