import type { Line, Tone } from './panel.ts';

/** SGR parameters. Colours only where they mean something; what is chosen and what is strong needs none. */
const WITH_COLOR: Readonly<Record<Tone, string>> = { plain: '', dim: '2', strong: '1', good: '32', warn: '33', bad: '31', accent: '36', selected: '7', match: '1;4;33', 'selected-match': '1;4;7' };
const WITHOUT: Readonly<Record<Tone, string>> = { plain: '', dim: '', strong: '1', good: '', warn: '', bad: '1', accent: '', selected: '7', match: '1;4', 'selected-match': '1;4;7' };

/** A line with the terminal's own sequences. The text is safe already. */
export function paint(line: Line, hasColor: boolean): string {
  const codes = hasColor ? WITH_COLOR : WITHOUT;
  let painted = '';
  for (const { text, tone = 'plain' } of line) painted += codes[tone] === '' ? text : `\u001b[${codes[tone]}m${text}\u001b[0m`;
  return painted;
}
