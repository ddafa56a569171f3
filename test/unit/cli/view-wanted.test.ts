import { describe, expect, it } from 'vitest';
import type { Host } from '../../../src/cli/host.ts';
import { wantsView } from '../../../src/cli/view-wanted.ts';

const flags = { plain: false, json: false, body: false, 'until-end': false };
const host = (more: { readonly stdin?: boolean; readonly stdout?: boolean; readonly term?: string } = {}): Host =>
  ({ stdin: { isTTY: more.stdin ?? true }, stdout: { isTTY: more.stdout ?? true }, env: { TERM: more.term ?? 'xterm' } }) as unknown as Host;

describe('the full-screen view', () => {
  it('is what a terminal gets that can be drawn on and typed at', () => {
    expect(wantsView(host(), flags)).toBe(true);
    for (const other of [{ stdin: false }, { stdout: false }, { term: 'dumb' }]) expect(wantsView(host(other), flags)).toBe(false);
  });

  it('is not for whoever asks for lines, or for an end', () => {
    for (const asked of [{ plain: true }, { json: true }, { body: true }, { 'until-end': true }, { format: '%v' }, { count: 1 }, { timeout: '1s' }]) {
      expect(wantsView(host(), { ...flags, ...asked }), JSON.stringify(asked)).toBe(false);
    }
    expect(wantsView(host(), { ...flags, tag: 'A', grep: 'x', from: '-5', queue: 1 })).toBe(true);
  });
});
