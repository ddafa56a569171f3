import type { Key } from 'ink';

/** Names of the keys that ink has read, as the table of keys has them: several when they came in one piece. */
export function keyNames(input: string, key: Key): string[] {
  const named = Object.entries(NAMES).find(([name]) => key[name as keyof Key] === true);
  if (named !== undefined) return [named[0] === 'tab' && key.shift ? 'shift-tab' : named[1]];
  if (key.ctrl) return /^[a-z]$/.test(input) ? [`ctrl-${input}`] : [];
  if (key.meta) return [];
  return [...input].flatMap(characterName);
}

/** Of a character that came together with others: typed fast, or pasted. */
function characterName(character: string): string[] {
  if (character === ' ') return ['space'];
  if (character === '\r' || character === '\n') return ['enter'];
  if (character === '\t') return ['tab'];
  if (character === '\u007f' || character === '\b') return ['backspace'];
  const code = character.codePointAt(0)!;
  if (code >= 1 && code <= 26) return [`ctrl-${String.fromCharCode(code + 96)}`];
  return code < 32 ? [] : [character];
}

const NAMES = {
  upArrow: 'up', downArrow: 'down', leftArrow: 'left', rightArrow: 'right', pageUp: 'pageup', pageDown: 'pagedown', home: 'home', end: 'end',
  return: 'enter', escape: 'esc', tab: 'tab', backspace: 'backspace', delete: 'backspace',
} as const;
