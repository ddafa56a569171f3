import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FIXTURES = path.join(import.meta.dirname, '..', 'fixtures');

const temporary = new Set<string>();
process.on('exit', () => {
  for (const directory of temporary) fs.rmSync(directory, { recursive: true, force: true });
});

/** A fresh directory that is removed when the test process exits. */
export const temporaryDirectory = (name = 'store'): string => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `mqlite-${name}-`));
  temporary.add(directory);
  return directory;
};

/** Unpacks the store of a real broker 5.5.0 into a fresh directory; returns the store's path. Holes stay holes. */
export const unpackFixture = (name: 'clean' | 'killed' | 'batchcq'): string => {
  const directory = temporaryDirectory(`fixture-${name}`);
  execFileSync('tar', ['-xSzf', path.join(FIXTURES, `broker-5.5.0-${name}.tar.gz`), '-C', directory]);
  return path.join(directory, 'store');
};

export interface TruthRow {
  topic: string;
  queueId: number;
  queueOffset: number;
  commitLogOffset: number;
  storeSize: number;
  sysFlag: number;
  flag: number;
  bodyCRC: number;
  bornTimestamp: number;
  storeTimestamp: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  offsetMsgId: string;
  msgId: string;
  bodyLength: number;
  bodySha256_8: string;
  properties: Record<string, string>;
}

/** What the official client saw in that store, one row a message, in (topic, queueId, queueOffset) order. */
export const readTruth = (): TruthRow[] =>
  fs.readFileSync(path.join(FIXTURES, 'broker-5.5.0-truth.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as TruthRow);
