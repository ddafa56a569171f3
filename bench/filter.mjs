#!/usr/bin/env node
/**
 * Filters alone: records in memory, each looked at from its raw bytes, in one thread.
 *
 *   node bench/filter.mjs [--rounds 7] [--messages 1000000] [--json]
 *
 * Prints messages a second of processor time, which other work on the machine does not change much: the median of the rounds (all
 * filters in turn in each). Exits 1 when `a > 5 AND region = 'eu'`
 * stays below the 2 M/s that docs/performance.md wants.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const WANTED_PER_SECOND = 2_000_000;
const MEASURED = "a > 5 AND region = 'eu'";
const FILTERS = [
  { sql: MEASURED }, { sql: "a = 5 OR region = 'us'" }, { sql: "region IN ('us', 'cn', 'eu')" }, { sql: 'price BETWEEN 1.5 AND 20.0' },
  { sql: "TAGS = 'paid' AND note CONTAINS 'x'" }, { sql: 'missing IS NULL' }, { tags: 'paid || sent' },
];
const RECORDS = 4096;

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, messages: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } } });

const directory = mkdtempSync(join(tmpdir(), 'mqlite-filter-'));
try {
  const { compileFilter, encodeHost, encodeRecord, joinProperties, maxRecordSize, RecordProperties } = await load();
  const { buffer, positions } = records();
  const results = new Map(FILTERS.map((expression) => [expression, []]));
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const [expression, rates] of results) {
      const rate = measure(compileFilter(expression));
      // The first round warms up.
      if (round > 0) rates.push(rate);
    }
  }
  let isFast = true;
  for (const [expression, rates] of results) {
    const perSecond = Math.round(rates.sort((left, right) => left - right)[rates.length >> 1]);
    const text = expression.sql ?? `tags ${expression.tags}`;
    process.stdout.write(options.json ? `${JSON.stringify({ filter: text, perSecond })}\n` : `${(perSecond / 1e6).toFixed(2).padStart(6)} M/s  ${text}\n`);
    if (text === MEASURED && perSecond < WANTED_PER_SECOND) isFast = false;
  }
  if (!isFast) process.exitCode = 1;

  function measure(filter) {
    const source = new RecordProperties();
    const count = Number(options.messages);
    const start = process.cpuUsage();
    let matched = 0;
    for (let index = 0; index < count; index++) if (filter.matches(source.at(buffer, positions[index % RECORDS]))) matched++;
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    if (matched === 0 || matched > count) throw new Error(`${matched} of ${count} matched`);
    return count / seconds;
  }

  /** As the official client writes them: the user's properties among the system's, a body of 1 KiB. */
  function records() {
    const host = encodeHost('127.0.0.1:10911');
    const bytes = Buffer.alloc(RECORDS * 1400);
    const starts = [];
    let at = 0;
    for (let index = 0; index < RECORDS; index++) {
      const properties = joinProperties({
        KEYS: `order-${index}`, UNIQ_KEY: `7F0000010B5D30946E09${index.toString(16).padStart(12, '0').toUpperCase()}`, region: ['eu', 'us', 'cn'][index % 3], a: String(index % 12),
        price: String(index / 100), note: index % 2 === 0 ? 'express' : 'post', CLUSTER: 'DefaultCluster', WAIT: 'true', TAGS: ['paid', 'sent', 'void'][index % 3],
      });
      const fields = {
        topic: 'orders', queueId: 0, flag: 0, queueOffset: index, commitLogOffset: at, sysFlag: 0, bornTimestamp: index, bornHost: host, storeTimestamp: index, storeHost: host,
        reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.alloc(1024, index), properties, propertyCrc: false,
      };
      if (at + maxRecordSize(fields) > bytes.length) throw new Error('the buffer is too small');
      starts.push(at);
      at += encodeRecord(fields, bytes, at);
    }
    return { buffer: bytes, positions: starts };
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The product's own modules, made JavaScript as the build does. */
async function load() {
  const source = join(import.meta.dirname, '../src');
  const exported = ['filter/message-filter.ts', 'record/encode.ts', 'record/host.ts', 'record/properties.ts', 'record/property-source.ts'];
  const outfile = join(directory, 'filter.mjs');
  await build({ stdin: { contents: exported.map((file) => `export * from './${file}';`).join('\n'), resolveDir: source, loader: 'ts' }, bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile, logLevel: 'error', external: ['@bokuweb/zstd-wasm', 'fzstd', 'lz4js'], banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } });
  return import(pathToFileURL(outfile).href);
}
