import { escapeControl } from '../text/escape.ts';
import type { Session } from './session.ts';

const MAX_TARGET_CHARACTERS = 40;

/** `mqlite ~/shop topic=orders> `: on what, and with which defaults, the next command works. */
export function promptText(target: string, { topic, group }: Pick<Session, 'topic' | 'group'>): string {
  const defaults = Object.entries({ topic, group }).flatMap(([name, value]) => (value === undefined ? [] : [` ${name}=${escapeControl(value)}`]));
  return `mqlite ${shortened(escapeControl(target))}${defaults.join('')}> `;
}

/** While a quote is open, or behind a backslash. */
export const SECOND_PROMPT = '> ';

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= MAX_TARGET_CHARACTERS ? text : `…${characters.slice(1 - MAX_TARGET_CHARACTERS).join('')}`;
}
