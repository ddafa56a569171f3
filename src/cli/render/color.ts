import type { ChalkInstance } from 'chalk';

/** Colours are wanted on a terminal, unless --no-color or NO_COLOR (https://no-color.org: any value but the empty one) says otherwise. */
export function wantsColor(isTTY: boolean, noColorFlag: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTTY && !noColorFlag && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** chalk at level 1, or level 0 (plain text) where no colour is wanted. Imported on use. */
export async function loadChalk(enabled: boolean): Promise<ChalkInstance> {
  const { Chalk } = await import('chalk');
  return new Chalk({ level: enabled ? 1 : 0 });
}
