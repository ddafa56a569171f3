import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { HostOutput } from '../../../src/cli/host.ts';
import { Output } from '../../../src/cli/output.ts';
import { NO_PROGRESS, startProgress } from '../../../src/cli/render/progress.ts';

class HandClock {
  elapsed = 0;
  next: (() => number) | undefined;
  repeatedMs = 0;
  hurried = false;
  readonly clock: Clock = {
    nowMs: () => 0,
    elapsedMs: () => this.elapsed,
    sleep: async () => undefined,
    repeat: (delayMs, next) => {
      this.next = next;
      this.repeatedMs = delayMs;
      return { within: (mostMs) => void (this.hurried = mostMs === 0) };
    },
  };
}

class Terminal implements HostOutput {
  readonly isTTY = true;
  readonly columns: number | undefined;
  text = '';

  constructor(columns: number | undefined) {
    this.columns = columns;
  }

  /** What stands in the line, after each time it was drawn. */
  get lines(): string[] {
    return this.text.split('\r').slice(1).map((line) => line.replace(/\u001b\[K$/, ''));
  }

  write(chunk: string | Uint8Array): boolean {
    this.text += chunk.toString();
    return true;
  }

  on(): void {}
  once(): void {}
  off(): void {}
}

const start = (columns: number | undefined = 80) => {
  const [time, terminal] = [new HandClock(), new Terminal(columns)];
  const progress = startProgress(true, { out: new Output(terminal, () => undefined), clock: time.clock, unicode: true }, {});
  return { time, terminal, progress };
};

describe('progress', () => {
  it('draws what is done, ten times a second at most, and measures rates', () => {
    const { time, terminal, progress } = start();
    progress.begin('sending', 1000);
    expect(terminal.lines).toEqual(['sending    0 %      0 of 1,000']);
    for (time.elapsed = 0; time.elapsed < 500; time.elapsed += 5) progress.update(time.elapsed);
    expect(terminal.lines).toEqual([
      'sending    0 %      0 of 1,000', 'sending   10 %    100 of 1,000', 'sending   20 %    200 of 1,000',
      'sending   30 %    300 of 1,000  1,000/s', 'sending   40 %    400 of 1,000  1,000/s',
    ]);
    time.elapsed = 500;
    progress.update(1000);
    expect(terminal.lines.at(-1)).toBe('sending  100 %  1,000 of 1,000  2,000/s  ▃█');
  });

  it('is drawn by the clock where nothing is done: the rate falls', () => {
    const { time, terminal, progress } = start();
    progress.begin('sending', 1000);
    time.elapsed = 250;
    progress.update(500);
    expect(time.repeatedMs).toBe(100);
    for (let tick = 0; tick < 20; tick++) {
      time.elapsed += 100;
      expect(time.next!()).toBe(100);
    }
    expect(terminal.lines.at(-1)).toMatch(/^sending {3}50 % {4}500 of 1,000 {2}0\/s {2}█▁+$/);
  });

  it('begins anew', () => {
    const { time, terminal, progress } = start();
    progress.begin('warming up', 10);
    time.elapsed = 600;
    progress.update(10);
    progress.begin('reading', null);
    expect(terminal.lines.at(-1)).toBe('reading');
  });

  it('removes the line once, and ends the timer', () => {
    const { time, terminal, progress } = start();
    progress.begin('sending', 1);
    progress.stop();
    progress.stop();
    expect(terminal.text.endsWith('\r\u001b[K')).toBe(true);
    expect(terminal.lines).toHaveLength(2);
    expect(time.hurried).toBe(true);
    time.elapsed = 10_000;
    expect(time.next!()).toBe(-1);
    expect(terminal.lines).toHaveLength(2);
  });

  it('never fills the last column', () => {
    const { terminal, progress } = start(20);
    progress.begin('a stage of a long name', 1);
    progress.begin('sending', 1_000_000);
    expect(Math.max(...terminal.lines.map((line) => line.length))).toBeLessThan(20);
  });

  it('is nothing where nothing is wanted, or can be drawn', () => {
    const out = new Output(new Terminal(80), () => undefined);
    const { clock } = new HandClock();
    expect(startProgress(false, { out, clock, unicode: true }, {})).toBe(NO_PROGRESS);
    expect(startProgress(true, { out, clock, unicode: true }, { TERM: 'dumb' })).toBe(NO_PROGRESS);
    expect(startProgress(true, { out: new Output(new Terminal(0), () => undefined), clock, unicode: true }, {})).toBe(NO_PROGRESS);
    expect(startProgress(true, { out: new Output(new Terminal(undefined), () => undefined), clock, unicode: true }, {})).not.toBe(NO_PROGRESS);
  });
});
