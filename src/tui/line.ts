import { columnsOf, cutToColumns } from '../text/columns.ts';
import type { Line, Span, Tone } from './panel.ts';

/** The greatest of any number of values, at least `least`; spread into Math.max, a hundred thousand are too many arguments. */
export function greatest(values: Iterable<number>, least: number): number {
  let most = least;
  for (const value of values) if (value > most) most = value;
  return most;
}

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });

export const lineColumns = (line: Line): number => line.reduce((sum, { text }) => sum + columnsOf(text), 0);

export const lineText = (line: Line): string => line.map(({ text }) => text).join('');

/** At most so many columns; what is cut off leaves a mark. */
export function cutLine(line: Line, columns: number): Line {
  if (lineColumns(line) <= columns) return line;
  const kept: Span[] = [];
  let left = columns;
  for (const { text, tone = 'plain' } of line) {
    const width = columnsOf(text);
    // One column stays for the mark: more follows.
    if (width < left) {
      kept.push(span(text, tone));
      left -= width;
      continue;
    }
    kept.push(span(cutToColumns(`${text} `, left), tone));
    break;
  }
  return kept;
}

/** `left` and `right` at the two ends of a line; the right one gives way. */
export function spread(left: Line, right: Line, columns: number): Line {
  const free = columns - lineColumns(left) - lineColumns(right);
  return free >= 1 ? [...left, span(' '.repeat(free)), ...right] : cutLine(left, columns);
}

/** Wherever a pattern (of flag `g`) matches within one span, that part stands out. */
export function highlight(line: Line, pattern: RegExp): Line {
  return line.flatMap((part): Span[] => {
    const parts: Span[] = [];
    let end = 0;
    for (const { 0: match, index } of part.text.matchAll(pattern)) {
      if (index > end) parts.push({ ...part, text: part.text.slice(end, index) });
      parts.push(span(match, part.tone === 'selected' ? 'selected-match' : 'match'));
      end = index + match.length;
    }
    return end === 0 ? [part] : end < part.text.length ? [...parts, { ...part, text: part.text.slice(end) }] : parts;
  });
}

/** The row that the cursor is on: marked by a sign, too, where there is no colour. */
export function withCursor(line: Line, columns: number, isSelected: boolean, isMarked: boolean): Line {
  const marks = `${isSelected ? '>' : ' '}${isMarked ? '*' : ' '}`;
  const row = cutLine([span(marks, isMarked ? 'accent' : 'plain'), ...line], columns);
  return isSelected ? [span(lineText(row) + ' '.repeat(Math.max(0, columns - lineColumns(row))), 'selected')] : row;
}
