import { MqliteError } from '../broker/errors.ts';
import { suggestion } from './did-you-mean.ts';
import { renderTable } from './render/table.ts';
import type { TableStyle } from './render/table.ts';
import type { SettingValues } from './settings.ts';
import { SETTINGS } from './settings-table.ts';
import type { AppliedName, Setting } from './settings-table.ts';

export interface SettingRow {
  readonly name: string;
  /** The Java classes that have it. */
  readonly classes: readonly string[];
  /** Of the Java client. */
  readonly default: string;
  /** What counts: given, or else what mqlite uses, which is not always the Java client's default. null where the setting has no effect here. */
  readonly value: string | null;
  readonly meaning: string;
  readonly applied: boolean;
  /** Where it takes effect, or why it is refused. */
  readonly here: string;
}

export interface ConfigList {
  readonly settings: readonly SettingRow[];
  readonly truncated: false;
}

/** What is known about every setting, or about one. Error: NOT_FOUND for an unknown name. */
export function listSettings(values: SettingValues, name?: string): ConfigList {
  const chosen = name === undefined ? SETTINGS : SETTINGS.filter((setting) => setting.name === name);
  if (chosen.length === 0) {
    throw new MqliteError('NOT_FOUND', `there is no setting ${name}`, { hint: suggestion(name ?? '', SETTINGS.map((setting) => setting.name)) ?? '"mqlite config" lists them all.' });
  }
  const settings = chosen.map((setting): SettingRow => {
    const applied = 'applied' in setting.here;
    return {
      name: setting.name, classes: setting.classes, default: setting.default, value: applied ? effective(setting, values) : null,
      meaning: setting.meaning, applied, here: 'applied' in setting.here ? setting.here.applied : setting.here.refused,
    };
  });
  return { settings, truncated: false };
}

function effective(setting: Setting, values: SettingValues): string {
  const name = setting.name as AppliedName;
  return values.isGiven(name) ? values.text(name) : setting.unset ?? values.text(name);
}

export function renderSettings({ settings }: ConfigList, style: TableStyle): Promise<string> {
  const columns = [{ title: 'NAME' }, { title: 'JAVA DEFAULT' }, { title: 'VALUE' }, { title: 'MEANING' }, { title: 'HERE' }];
  const rows = settings.map((row) => [row.name, row.default, row.value ?? '-', row.meaning, row.applied ? `applied: ${row.here}` : `refused: ${row.here}`]);
  return renderTable(columns, rows, style);
}
