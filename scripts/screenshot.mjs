/**
 * Writes `docs/tail.svg`: the live view as it is on a terminal, from the real program on a store made for it. `node scripts/build.mjs && node scripts/screenshot.mjs [FILE]`
 */
import { execFileSync, spawn as spawnProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

const ROOT = dirname(import.meta.dirname);
const CLI = [process.execPath, join(ROOT, 'bin/run.js')];
const COLUMNS = 110;
const ROWS = 26;
/** Of one cell, in units of the picture. */
const CELL = { width: 8.4, height: 18 };
const PADDING = 14;
const COLORS = { background: '#16181d', foreground: '#d7dae0', dim: '#838994', 1: '#e5676e', 2: '#8cc265', 3: '#d6a354', 6: '#52b6c2' };

const home = mkdtempSync(join(tmpdir(), 'mqlite-picture-'));
const store = join(home, 'store');
const env = { PATH: process.env.PATH, HOME: home, TERM: 'xterm-256color', TZ: 'UTC', MQLITE_STORE: store };

function mqlite(words, input = '') {
  execFileSync(CLI[0], [CLI[1], ...words], { env, input, stdio: ['pipe', 'ignore', 'ignore'] });
}

/** Messages of a shop, as NDJSON. */
function orders(from, count) {
  const cities = ['Berlin', '上海', 'São Paulo', '大阪', 'Nairobi', 'Kraków'];
  return Array.from({ length: count }, (_, index) => {
    const id = from + index;
    const body = JSON.stringify({ order: id, city: cities[id % cities.length], total: ((id * 37) % 400) + 9.5, items: (id % 4) + 1 });
    return JSON.stringify({ body, tags: ['created', 'paid', 'shipped'][id % 3], keys: [`o-${id}`] });
  }).join('\n');
}

async function picture(file) {
  mqlite(['produce', 'orders', '--json-input'], `${orders(1000, 400)}\n`);
  mqlite(['produce', 'mails', '--tag', 'welcome'], 'to ada@example.com\nto nobody\n');
  try {
    mqlite(['consume', 'mails', '--group', 'mailer', '--until-end', '--exec', 'grep -v nobody', '--max-reconsume', '0']);
  } catch {
    // One mail fails on purpose.
  }
  const screen = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  const view = spawn(CLI[0], [CLI[1], 'tail'], { name: 'xterm-256color', cols: COLUMNS, rows: ROWS, env });
  view.onData((data) => screen.write(data));
  const shows = async (test) => {
    for (const until = Date.now() + 20_000; !test(textOf(screen)); await sleep(20)) if (Date.now() > until) throw new Error(`the view did not come:\n${textOf(screen)}`);
  };
  await shows((text) => text.includes('FOLLOWING') && text.includes('%DLQ%mailer'));
  const producer = spawnProcess(CLI[0], [CLI[1], 'produce', 'orders', '--json-input', '--rate', '40/s', '--quiet'], { env, stdio: ['pipe', 'ignore', 'inherit'] });
  producer.stdin.end(`${orders(2000, 400)}\n`);
  await shows((text) => /\b4\d\/s/.test(text));
  view.write('k');
  await shows((text) => /\+[4-9]\d new/.test(text));
  writeFileSync(file, svgOf(screen));
  const ends = [new Promise((resolve) => producer.once('exit', resolve)), new Promise((resolve) => view.onExit(resolve))];
  view.write('q');
  producer.kill();
  await Promise.all(ends);
}

function textOf(screen) {
  return Array.from({ length: ROWS }, (_, row) => screen.buffer.active.getLine(row)?.translateToString(true) ?? '').join('\n');
}

function svgOf(screen) {
  const width = Math.ceil(COLUMNS * CELL.width + 2 * PADDING);
  const height = ROWS * CELL.height + 2 * PADDING;
  const parts = [];
  for (let row = 0; row < ROWS; row++) for (const run of runsOf(screen.buffer.active.getLine(row))) parts.push(...drawn(run, row));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13.5">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${COLORS.background}"/>`,
    ...parts, '</svg>', '',
  ].join('\n');
}

/** Neighbouring cells that look the same; a wide character stands alone, so that what follows it stays in its column. */
function runsOf(line) {
  const runs = [];
  for (let column = 0; column < COLUMNS; column++) {
    const cell = line.getCell(column);
    if (cell.getWidth() === 0) continue;
    const look = `${cell.isFgPalette() ? cell.getFgColor() : ''} ${cell.isBold() ? 'b' : ''}${cell.isDim() ? 'd' : ''}${cell.isInverse() ? 'i' : ''}`;
    const last = runs.at(-1);
    const text = cell.getChars() || ' ';
    if (last !== undefined && last.look === look && last.isPlain && text <= '~') {
      last.text += text;
      last.width += cell.getWidth();
    } else {
      runs.push({ column, text, width: cell.getWidth(), look, isPlain: text <= '~', color: cell.isFgPalette() ? cell.getFgColor() : null, bold: cell.isBold(), dim: cell.isDim(), inverse: cell.isInverse() });
    }
  }
  return runs;
}

function drawn({ column, text, width, color, bold, dim, inverse }, row) {
  const x = PADDING + column * CELL.width;
  const y = PADDING + row * CELL.height;
  const foreground = color === null ? COLORS.foreground : COLORS[color] ?? COLORS.foreground;
  const shapes = [];
  if (inverse) shapes.push(`<rect x="${x.toFixed(1)}" y="${y}" width="${(width * CELL.width).toFixed(1)}" height="${CELL.height}" fill="${foreground}"/>`);
  if (text.trim() !== '') {
    const fill = inverse ? COLORS.background : dim ? COLORS.dim : foreground;
    shapes.push(`<text x="${x.toFixed(1)}" y="${y + 13.5}" textLength="${(width * CELL.width).toFixed(1)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="${fill}"${bold ? ' font-weight="bold"' : ''}>${escaped(text)}</text>`);
  }
  return shapes;
}

function escaped(text) {
  return text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]);
}

try {
  await picture(process.argv[2] ?? join(ROOT, 'docs/tail.svg'));
} finally {
  rmSync(home, { recursive: true, force: true });
}
