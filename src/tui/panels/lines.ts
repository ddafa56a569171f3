import { columnsOf, cutToColumns } from '../../text/columns.ts';
import { escapeControl } from '../../text/escape.ts';
import type { Line, Span } from '../panel.ts';

/** A line of running text, cut where the terminal ends. */
export function textLine(spans: readonly Span[], widthColumns: number): Line {
  const line: Span[] = [];
  let left = widthColumns;
  for (const { text, tone } of spans) {
    const safe = escapeControl(text);
    const cut = cutToColumns(safe, left);
    if (cut !== '') line.push(spanOf(cut, tone));
    left -= columnsOf(cut);
    if (cut !== safe) break;
  }
  return line;
}

export const spanOf = (text: string, tone: Span['tone']): Span => (tone === undefined || tone === 'plain' ? { text } : { text, tone });
