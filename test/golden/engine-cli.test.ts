import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTruth, unpackFixture } from '../support/fixtures.ts';
import type { TruthRow } from '../support/fixtures.ts';
import { jsonLines, outputOf, runCli } from '../support/processes.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const truth = readTruth();
const topics = [...new Set(truth.map((row) => row.topic))];

/** A message as `consume --json` prints it, in the words of the truth. */
const toRow = (json: Record<string, unknown>): Record<string, unknown> => {
  const body = Buffer.from(json['body'] as string, json['bodyEncoding'] === 'base64' ? 'base64' : 'utf8');
  const row: Record<string, unknown> = { bodyLength: body.length, bodySha256_8: createHash('sha256').update(body).digest('hex').slice(0, 16) };
  for (const name of Object.keys(truth[0]!)) if (!(name in row)) row[name] = json[name];
  return row;
};

const byPlace = (a: Record<string, unknown>, b: Record<string, unknown>): number => (a['queueId'] as number) - (b['queueId'] as number) || (a['queueOffset'] as number) - (b['queueOffset'] as number);

describe.each(['clean', 'killed'] as const)('the command line on the store of a real broker, %s', (name) => {
  let store: string;
  let before: Record<string, string>;
  const cli = (...args: string[]): string => outputOf(args, { store });

  beforeAll(() => {
    store = unpackFixture(name);
    before = snapshotTree(store);
  });

  it.each(topics)('consume %s --until-end --json equals what the official client saw', (topic) => {
    const { status, stdout, stderr } = runCli(['consume', topic, '--until-end', '--json'], { store });
    expect({ status, stderr: stderr.includes('was not closed') }).toEqual({ status: 0, stderr: name === 'killed' });
    const rows = jsonLines<Record<string, unknown>>(stdout).map(toRow).sort(byPlace);
    expect(rows).toEqual(truth.filter((row) => row.topic === topic).sort((a: TruthRow, b: TruthRow) => a.queueId - b.queueId || a.queueOffset - b.queueOffset));
  });

  it('every other way to look, too, and none leaves a trace', () => {
    const order = truth.find((row) => row.topic === 'Orders')!;
    expect(JSON.parse(cli('store', 'info', '--json'))).toBeTypeOf('object');
    expect(JSON.parse(cli('store', 'verify', '--json'))).toMatchObject({ damageCount: 0 });
    for (const what of ['commitlog', 'consumequeue', 'index', 'checkpoint', 'topics', 'offsets']) expect(cli('store', 'dump', what, '--json').length, what).toBeGreaterThan(100);
    cli('store', 'dump', 'state', '--json');
    expect(cli('topics', 'list')).toContain('Orders');
    expect(cli('topics', 'show', 'Orders')).toContain('Orders');
    expect(cli('groups', 'list').length).toBeGreaterThan(10);
    expect(JSON.parse(cli('offsets', 'list', '--json'))).toBeTypeOf('object');
    expect(JSON.stringify(JSON.parse(cli('message', 'get', order.offsetMsgId, '--json')))).toContain(order.msgId);
    expect(cli('message', 'get', order.msgId, '--json')).toContain(order.offsetMsgId);
    expect(cli('message', 'find', 'Orders', '--key', order.properties['KEYS']!.split(' ')[0]!, '--json')).toContain(order.msgId);
    expect(jsonLines(cli('tail', 'Orders', '--from', '-3', '--until-end', '--json'))).toHaveLength(3);
    expect(jsonLines(cli('tail', '--commitlog', '--from', 'first', '--until-end', '--json')).length).toBeGreaterThanOrEqual(truth.length);
    expect(cli('consume', 'Orders', '--timeout', '50ms').split('\n')).toHaveLength(truth.filter((row) => row.topic === 'Orders').length + 1);
    expect(runCli(['consume', 'NoSuchTopic'], { store }).status).toBe(3);
    expect(runCli(['produce', 'Orders', 'x', '--read-only'], { store }).status).toBe(2);
    expect(runCli(['consume', 'Orders', '--group', 'g', '--read-only'], { store }).status).toBe(2);
    expect(snapshotTree(store)).toEqual(before);
  });
});
