import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import Produce from '../../src/commands/produce.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import type { OutgoingMessage, SendOutcome } from '../../src/broker/types.ts';
import { errorOf, runCommand } from '../support/fake/run.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import type { FakeStore } from '../support/fake-broker.ts';

const gone = (): MqliteError => new MqliteError('UNREACHABLE', 'broker-a does not answer');

/** Refuses what `isDown` says, in a way that may pass. */
class FlakyBroker extends FakeBroker {
  attempts = 0;
  isDown: (body: string) => boolean = () => true;

  override async sendBatch(batch: readonly OutgoingMessage[]): Promise<SendOutcome[]> {
    this.attempts++;
    const outcomes: SendOutcome[] = [];
    for (const message of batch) {
      if (this.isDown(Buffer.from(message.body).toString())) outcomes.push({ error: gone() });
      else outcomes.push(...(await super.sendBatch([message])));
    }
    return outcomes;
  }
}

describe('produce --spool', () => {
  let broker: FlakyBroker;
  let store: FakeStore;
  let spool: string;
  beforeEach(async () => {
    broker = new FlakyBroker();
    ({ store } = broker);
    spool = join(mkdtempSync(join(tmpdir(), 'mqlite-spool-')), 'unsent.ndjson');
    await broker.createTopic('T', { readQueueNums: 4, writeQueueNums: 4 });
  });
  const produce = (argv: string[], stdin?: string) => runCommand(Produce, argv, { open: () => Promise.resolve(broker), stdin });
  const bodies = (): string[] => store.log.map((record) => record.body.toString());

  it('keeps what could not be stored after its attempts, goes on, says so, and does not end with 0', async () => {
    broker.isDown = (body) => body === 'b';
    const result = await produce(['T', '--spool', spool, '--batch', '1'], 'a\nb\nc\n');
    expect(bodies()).toEqual(['a', 'c']);
    expect(broker.attempts).toBe(5);
    expect(result.exitCode).toBe(4);
    expect(result.stderr).toBe(`mqlite: line 2: broker-a does not answer; 2 messages stored, 1 kept in ${spool}\n  To send them again: mv ${spool} ${spool}.again && mqlite produce T --json-input --file ${spool}.again\n`);
    expect(readFileSync(spool, 'utf8')).toBe('{"body":"b","bodyEncoding":"utf8"}\n');
  });

  it('what it kept can be sent again with everything that was set', async () => {
    const flags = ['--tag', 'A', '--key', 'k1', '--key', 'k2', '--property', 'region=eu', '--queue', '3'];
    await produce(['T', 'höllo', ...flags, '--spool', spool, '--retries', '0']);
    expect(broker.attempts).toBe(1);
    broker.isDown = () => false;
    const again = await produce(['T', '--json-input', '--keep-queue', '--file', spool]);
    expect(again.exitCode).toBe(0);
    expect(store.log[0]).toMatchObject({ tags: 'A', keys: ['k1', 'k2'], queueId: 3, properties: { region: 'eu' } });
    expect(bodies()).toEqual(['höllo']);
  });

  it('keeps bytes that are no text, and adds to what is there', async () => {
    writeFileSync(spool, '{"body":"earlier"}\n');
    const file = join(tmpdir(), `mqlite-bytes-${process.pid}`);
    writeFileSync(file, Buffer.from([0xff, 0, 0x80]));
    await produce(['T', '--file', file, '--spool', spool]);
    broker.isDown = () => false;
    await produce(['T', '--json-input', '--file', spool]);
    expect(store.log.map((record) => record.body.toString('hex'))).toEqual([Buffer.from('earlier').toString('hex'), 'ff0080']);
  });

  it('takes everything when the target cannot be opened', async () => {
    const result = await runCommand(Produce, ['T', '--spool', spool, '--json'], { open: () => Promise.reject(new MqliteError('LOCKED', 'a broker has it')), stdin: 'a\nb\n' });
    expect(errorOf(result)).toMatchObject({ code: 'LOCKED', exitCode: 6 });
    expect(result.stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown)).toMatchObject([{ line: 1, error: { code: 'LOCKED' } }, { line: 2, error: { code: 'LOCKED' } }]);
    expect(readFileSync(spool, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('is no place for what is wrong in itself, and leaves no empty file behind', async () => {
    broker.isDown = () => false;
    const result = await produce(['T', '--spool', spool], 'a\n\nb\n');
    expect([result.exitCode, bodies(), existsSync(spool)]).toEqual([2, ['a'], false]);
    expect((await produce(['T', 'x', '--spool', '/nowhere/at/all'])).stderr).toMatch(/--spool \/nowhere\/at\/all/);
    expect(bodies()).toEqual(['a']);
  });

  it('what stops it half-way comes with what is stored and what is kept', async () => {
    broker.isDown = (body) => body === 'b';
    const result = await produce(['T', '--spool', spool, '--batch', '1', '--retries', '0'], 'a\nb\nc\n\nd\n');
    expect([result.exitCode, bodies()]).toEqual([2, ['a', 'c']]);
    expect(result.stderr).toMatch(new RegExp(`^mqlite: 2 messages stored in T, 1 kept in ${spool}\nmqlite: line 4: the body is empty`));
    expect(readFileSync(spool, 'utf8')).toBe('{"body":"b","bodyEncoding":"utf8"}\n');
  });

  it('without one a send that fails half-way comes with what is stored; under --json each message has one line', async () => {
    broker.isDown = (body) => body === 'c';
    const run = (...more: string[]) => produce(['T', '--batch', '1', '--retries', '0', ...more], 'a\nb\nc\n');
    expect(await run()).toMatchObject({ exitCode: 4, stderr: 'mqlite: 2 messages stored in T\nmqlite: line 3: broker-a does not answer\n' });
    expect(bodies()).toEqual(['a', 'b']);
    const json = await run('--json');
    expect(json.stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown)).toMatchObject([{ line: 1, status: 'SEND_OK' }, { line: 2, status: 'SEND_OK' }, { line: 3, error: { code: 'UNREACHABLE' } }]);
    expect(json.stdout.trim().split('\n')).toHaveLength(3);
    expect(errorOf(json)).toMatchObject({ code: 'UNREACHABLE', line: 3 });
  });

  it('a send that fails before a bad line is what ended it', async () => {
    broker.isDown = (body) => body === 'b';
    expect(await produce(['T', '--batch', '1', '--retries', '0'], 'a\nb\n\n')).toMatchObject({ exitCode: 4, stderr: 'mqlite: 1 message stored in T\nmqlite: line 2: broker-a does not answer\n' });
  });

  it('without one the first failure ends it, after as many attempts as asked for', async () => {
    const result = await produce(['T', 'x', '--retries', '4', '--json']);
    expect([broker.attempts, errorOf(result).code]).toEqual([5, 'UNREACHABLE']);
    broker.attempts = 0;
    await produce(['T', 'x', '-X', 'retryTimesWhenSendFailed=1']);
    expect(broker.attempts).toBe(2);
  });
});
