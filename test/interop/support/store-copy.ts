import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

export type FixtureName = 'clean' | 'killed';

/** What `broker.conf` of a broker must say so that it boots on the fixtures. */
export const FIXTURE_CONFIG: Readonly<Record<string, string | number>> = {
  mappedFileSizeCommitLog: 1_048_576,
  mappedFileSizeConsumeQueue: 6_000_000,
  maxHashSlotNum: 1000,
  maxIndexNum: 4000,
  maxMessageSize: 262_144,
};

export function temporaryDirectory(what: string): string {
  return mkdtempSync(join(process.env['MQLITE_INTEROP_TMP'] ?? tmpdir(), `mqlite-${what}-`));
}

/** A copy that keeps holes and mtimes. Brokers only ever get copies: a boot changes the directory, even one refused. */
export function copyStore(directory: string): string {
  const copy = join(temporaryDirectory('store'), 'store');
  execFileSync('cp', ['-a', '--sparse=always', directory, copy]);
  return copy;
}

export function unpackFixture(name: FixtureName): string {
  const directory = temporaryDirectory('fixture');
  execFileSync('tar', ['-xzf', join(fixtures, `broker-5.5.0-${name}.tar.gz`), '-C', directory]);
  return join(directory, 'store');
}

/** A message as the official client decoded it, in the shape of test/fixtures/broker-5.5.0-truth.ndjson. */
export interface TruthRow {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly storeSize: number;
  readonly sysFlag: number;
  readonly flag: number;
  readonly bodyCRC: number;
  readonly bornTimestamp: number;
  readonly bornHost?: string;
  readonly storeTimestamp: number;
  readonly storeHost?: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly offsetMsgId: string;
  readonly msgId: string;
  readonly bodyLength: number;
  readonly bodySha256_8: string;
  readonly properties: Readonly<Record<string, string>>;
  /** base64; only in answers to single look-ups. */
  readonly body?: string;
}

export function fixtureTruth(): TruthRow[] {
  return readFileSync(join(fixtures, 'broker-5.5.0-truth.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as TruthRow);
}

/** Every file below `directory` with its size, mtime and SHA-256: two equal lists mean that nothing was touched. */
export function treeSnapshot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const stat = statSync(path, { bigint: true });
      const digest = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '-';
      return `${relative(directory, path)} ${entry.isFile() ? stat.size : '-'} ${stat.mtimeNs} ${digest}`;
    })
    .sort();
}

/** Names of the commit log's files, oldest first. */
export function commitLogFiles(directory: string): string[] {
  const log = join(directory, 'commitlog');
  return existsSync(log) ? readdirSync(log).filter((name) => /^\d{20}$/.test(name)).sort() : [];
}
