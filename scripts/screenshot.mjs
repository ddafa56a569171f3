/**
 * Writes `docs/tail.svg` and `docs/tail-log.svg`: the live view as it is on a terminal, messages and the commit log, from the real program on stores made for it.
 * `node scripts/build.mjs && node scripts/screenshot.mjs [DIRECTORY]`
 */
import { execFileSync, spawn as spawnProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Terminal } from '../bench/lib/terminal.mjs';

const ROOT = dirname(import.meta.dirname);
const CLI = [process.execPath, join(ROOT, 'bin/run.js')];
/** Of one cell, in units of the picture. */
const CELL = { width: 8.4, height: 18 };
const PADDING = 14;
const COLORS = { background: '#16181d', foreground: '#d7dae0', dim: '#838994', 1: '#e5676e', 2: '#8cc265', 3: '#d6a354', 6: '#52b6c2' };

const home = mkdtempSync(join(tmpdir(), 'mqlite-picture-'));
const env = { PATH: process.env.PATH, HOME: home, TERM: 'xterm-256color', TZ: 'UTC', MQLITE_STORE: join(home, 'shop') };

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

/** A store in use: orders with groups that read them, the one quickly and the other slowly, and a mail that nobody could send. */
function begin() {
  mqlite(['produce', 'orders', '--json-input'], `${orders(1000, 400)}\n`);
  mqlite(['consume', 'orders', '--group', 'billing', '--until-end']);
  mqlite(['consume', 'orders', '--group', 'warehouse', '--until-end', '--count', '300']);
  mqlite(['produce', 'mails', '--tag', 'welcome'], 'to ada@example.com\nto nobody\n');
  try {
    mqlite(['consume', 'mails', '--group', 'mailer', '--until-end', '--exec', 'grep -v nobody', '--max-reconsume', '0']);
  } catch {
    // One mail fails on purpose.
  }
}

/** The view of `words` while orders come, once `isReady` holds of its text. */
async function picture(file, words, size, isReady, keys = '', isDone = isReady) {
  const terminal = new Terminal(CLI[0], [CLI[1], 'tail', ...words], { ...size, env });
  await terminal.until((lines) => /FOLLOWING/.test(lines.join('\n')), 'the view', 20_000);
  const children = [
    spawnProcess(CLI[0], [CLI[1], 'produce', 'orders', '--json-input', '--rate', '40/s', '--quiet'], { env, stdio: ['pipe', 'ignore', 'inherit'] }),
    ...['billing', 'warehouse'].map((group) => spawnProcess(CLI[0], [CLI[1], 'consume', 'orders', '--group', group, '--exec', group === 'billing' ? 'true' : 'sleep 0.2', '--quiet'], { env, stdio: 'ignore' })),
  ];
  children[0].stdin.end(`${orders(2000, 800)}\n`);
  await terminal.until((lines) => isReady(lines.join('\n')), 'what is to be seen', 60_000);
  if (keys !== '') terminal.press(keys);
  await terminal.until((lines) => isDone(lines.join('\n')), 'the end', 20_000);
  writeFileSync(file, svgOf(terminal, size));
  const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  await terminal.end();
  for (const child of children) child.kill();
  await Promise.all(ends);
}

function svgOf(terminal, { columns, rows }) {
  const width = Math.ceil(columns * CELL.width + 2 * PADDING);
  const height = rows * CELL.height + 2 * PADDING;
  const parts = [];
  for (let row = 0; row < rows; row++) for (const run of runsOf(terminal.row(row), columns)) parts.push(...drawn(run, row));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13.5">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${COLORS.background}"/>`,
    ...parts, '</svg>', '',
  ].join('\n');
}

/** Neighbouring cells that look the same; a wide character stands alone, so that what follows it stays in its column. */
function runsOf(line, columns) {
  const runs = [];
  for (let column = 0; column < columns; column++) {
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
  const directory = process.argv[2] ?? join(ROOT, 'docs');
  begin();
  await picture(join(directory, 'tail.svg'), [], { columns: 110, rows: 26 }, (text) => /\b4\d\/s/.test(text), 'k', (text) => /\+[4-9]\d new/.test(text));
  await picture(join(directory, 'tail-log.svg'), ['--commitlog'], { columns: 150, rows: 30 }, (text) => /warehouse .*\d\/s/.test(text) && /orders .*4\d\/s/.test(text));
} finally {
  rmSync(home, { recursive: true, force: true });
}
