import { render } from 'ink-testing-library';
import { createElement } from 'react';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { App } from '../../src/tui/app.tsx';
import type { Panel } from '../../src/tui/panel.ts';
import { Session } from '../../src/tui/session.ts';
import type { SessionOptions } from '../../src/tui/session.ts';

const KEYS: Readonly<Record<string, string>> = { enter: '\r', esc: '\u001b', down: '\u001b[B', up: '\u001b[A', end: '\u001b[F', home: '\u001b[H', space: ' ', 'ctrl-u': '\u0015' };

/** The view in a terminal of memory: keys go in through ink, and what it paints is read back as text. */
export class TestView {
  readonly session: Session;
  readonly #ink: ReturnType<typeof render>;
  #lines: readonly string[] = [];
  readonly copied: string[] = [];

  constructor(broker: Broker, options: Partial<SessionOptions> = {}) {
    this.session = new Session({
      broker, clock: systemClock, panels: [] as readonly Panel[], start: 'messages', topics: [], queueId: undefined, filter: null, from: { at: 'last' },
      size: { columns: 80, rows: 24 }, hasColor: false, writeFile: async () => 0, freeName: (file) => file, redrive: async () => ({ text: 'nothing', isGood: true, sent: [] }), redrives: () => new Map(), copy: (text) => this.copied.push(text), isBlocked: () => false,
      ...options,
    });
    this.#ink = render(createElement(App, { session: this.session, paint: (lines) => { this.#lines = lines; } }));
    this.session.run();
  }

  /** Without what makes it bold or inverse. */
  get text(): string {
    // oxlint-disable-next-line no-control-regex -- sequences are what is taken out
    return this.#lines.map((line) => line.replace(/\u001b\[[\d;]*m/g, '').trimEnd()).join('\n');
  }

  get painted(): readonly string[] {
    return this.#lines;
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.#ink.stdin.write(KEYS[key] ?? key);
  }

  close(): void {
    this.session.end();
    this.#ink.unmount();
  }
}
