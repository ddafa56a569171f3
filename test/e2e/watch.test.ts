import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '@lydell/node-pty';
import { Terminal } from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { cleanEnvironment, CLI, jsonLines, outputOf, startCli } from '../support/processes.ts';

const WAIT_MS = 60_000;

const newStore = (): string => {
  const store = path.join(temporaryDirectory('e2e'), 'store');
  outputOf(['store', 'init'], { store });
  outputOf(['produce', 'orders'], { store, input: 'one\ntwo\nthree\n' });
  outputOf(['consume', 'orders', '--group', 'billing', '--until-end'], { store });
  return store;
};

/** A command in a terminal of its own, whose screen can be read. */
class OnTerminal {
  readonly #terminal = new Terminal({ cols: 100, rows: 20, allowProposedApi: true });
  readonly #process;
  output = '';
  exited: { readonly exitCode: number; readonly signal?: number | undefined } | undefined;

  constructor(args: readonly string[], store: string) {
    const [command, ...rest] = [...CLI, ...args, '--store', store];
    this.#process = spawn(command!, rest, { cols: 100, rows: 20, env: { ...cleanEnvironment(), TERM: 'xterm-256color' } });
    this.#process.onData((text) => {
      this.output += text;
      this.#terminal.write(text);
    });
    this.#process.onExit((exit) => { this.exited = exit; });
  }

  type(keys: string): void {
    this.#process.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#process.resize(columns, rows);
    this.#terminal.resize(columns, rows);
  }

  screen(): string[] {
    const { active } = this.#terminal.buffer;
    return Array.from({ length: this.#terminal.rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '');
  }

  async until(test: () => boolean, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; !test(); await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${WAIT_MS} ms\n${this.screen().join('\n')}`);
    }
  }
}

describe('groups show --watch', () => {
  it('draws what changes on a terminal, fits it, and leaves by Ctrl-C with the cursor back', async () => {
    const store = newStore();
    const watch = new OnTerminal(['groups', 'show', 'billing', '--watch', '--interval', '100ms'], store);
    const lagOf = (): string | undefined => watch.screen().find((line) => line.startsWith('  orders '))?.trim().split(/ +/)[1];
    await watch.until(() => lagOf() === '0', 'the first picture');
    expect(watch.screen()[0]).toMatch(/^billing in .*every 100ms/);
    outputOf(['produce', 'orders'], { store, input: 'four\nfive\n' });
    await watch.until(() => lagOf() === '2', 'the lag of what was produced');
    // Drawn over the first one: there is one header.
    expect(watch.screen().filter((line) => line.startsWith('GROUP / TOPIC'))).toHaveLength(1);
    watch.resize(60, 8);
    await watch.until(() => watch.screen().some((line) => line.startsWith('and ') && line.endsWith('more rows')), 'what does not fit');
    expect(watch.exited).toBeUndefined();
    watch.type('\u0003');
    await watch.until(() => watch.exited !== undefined, 'its end');
    expect(watch.exited).toMatchObject({ exitCode: 130 });
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
