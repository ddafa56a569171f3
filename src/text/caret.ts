import { escapeControl } from './escape.ts';

const BEFORE_CHARACTERS = 60;
const BEHIND_CHARACTERS = 40;
/** Characters that terminals show two columns wide. */
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200d]/u;

/** The text around the place on one line, and under it a caret below the character at the place. */
export function caretLines({ text, position }: { readonly text: string; readonly position: number }, indent: string): string {
  const before = [...text.slice(0, position)];
  const behind = [...text.slice(position)];
  const start = before.length > BEFORE_CHARACTERS ? `…${escapeControl(before.slice(-BEFORE_CHARACTERS).join(''))}` : escapeControl(before.join(''));
  const end = behind.length > BEHIND_CHARACTERS ? `${escapeControl(behind.slice(0, BEHIND_CHARACTERS).join(''))}…` : escapeControl(behind.join(''));
  const line = `${indent}${start}${end}`.trimEnd();
  return `${line}\n${indent}${' '.repeat(columns(start))}^\n`;
}

function columns(text: string): number {
  let count = 0;
  for (const character of text) count += WIDE.test(character) ? 2 : NO_WIDTH.test(character) ? 0 : 1;
  return count;
}
