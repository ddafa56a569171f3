import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { jsonLines, outputOf, startCli } from '../support/processes.ts';
import { Terminal } from '../support/terminal.ts';

const WAIT_MS = 60_000;

const newStore = (): string => {
  const store = path.join(temporaryDirectory('e2e'), 'store');
  outputOf(['store', 'init'], { store });
  outputOf(['produce', 'orders'], { store, input: 'one\ntwo\nthree\n' });
  outputOf(['consume', 'orders', '--group', 'billing', '--until-end'], { store });
  return store;
};

describe('groups show --watch', () => {
  it('draws what changes on a terminal, fits it, and leaves by Ctrl-C with the cursor back', async () => {
    const store = newStore();
    const watch = new Terminal(['groups', 'show', 'billing', '--watch', '--interval', '100ms', '--store', store], { columns: 100, rows: 20 });
    const lagOf = (): string | undefined => watch.lines.find((line) => line.startsWith('  orders '))?.trim().split(/ +/)[1];
    await watch.until(() => lagOf() === '0', 'the first picture');
    expect(watch.lines[0]).toMatch(/^billing in .*every 100ms/);
    outputOf(['produce', 'orders'], { store, input: 'four\nfive\n' });
    await watch.until(() => lagOf() === '2', 'the lag of what was produced');
    // Drawn over the first one: there is one header.
    expect(watch.lines.filter((line) => line.startsWith('GROUP / TOPIC'))).toHaveLength(1);
    watch.resize(60, 8);
    await watch.until(() => watch.lines.some((line) => line.startsWith('and ') && line.endsWith('more rows')), 'what does not fit');
    expect(watch.exit).toBeNull();
    watch.press('ctrl-c');
    expect(await watch.finished()).toMatchObject({ code: 130 });
    expect(watch.output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(watch.output.lastIndexOf('\u001b[?25l'));
  });

  it('appends documents on a pipe, and ends by SIGINT and SIGTERM as followers do', async () => {
    const store = newStore();
    for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
      const watch = startCli(['groups', 'show', 'billing', '--watch', '--interval', '100ms', '--json'], { store });
      for (const deadline = Date.now() + WAIT_MS; watch.lines.length < 3 && Date.now() < deadline;) await sleep(20);
      watch.kill(signal);
      expect(await watch.finish()).toEqual({ code, signal: null });
      expect([watch.stderr, watch.rest]).toEqual(['', '']);
      expect(jsonLines<{ readonly group: string; readonly lag: number }>(watch.lines.join('\n')).map(({ group, lag }) => `${group} ${lag}`).slice(0, 3)).toEqual(['billing 0', 'billing 0', 'billing 0']);
    }
  });
});
