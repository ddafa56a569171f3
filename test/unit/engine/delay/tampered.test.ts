import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DelayStore, START_MS } from './support.ts';

const SECOND = Math.floor(START_MS / 1000) * 1000;

/** Writes over a part of a file. */
const overwrite = (file: string, position: number, bytes: Buffer): void => {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, position);
  fs.closeSync(fd);
};
const i64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};

/** What is done to a closed store, by name. */
const TAMPERINGS: Readonly<Record<string, (root: string) => void>> = {
  'delayOffset.json is gone': (root) => ['', '.bak'].forEach((end) => fs.rmSync(path.join(root, `config/delayOffset.json${end}`), { force: true })),
  'delayOffset.json is garbage': (root) => ['', '.bak'].forEach((end) => fs.writeFileSync(path.join(root, `config/delayOffset.json${end}`), '{"offsetTable":{1:')),
  'delayOffset.json is set back': (root) => fs.writeFileSync(path.join(root, 'config/delayOffset.json'), '{"offsetTable":{1:0,2:0}}'),
  'timercheck is gone': (root) => fs.rmSync(path.join(root, 'config/timercheck')),
  'timercheck is short': (root) => fs.truncateSync(path.join(root, 'config/timercheck'), 20),
  'timercheck has a negative field': (root) => overwrite(path.join(root, 'config/timercheck'), 16, i64(-5)),
  'timercheck has its queue offset behind the queue': (root) => overwrite(path.join(root, 'config/timercheck'), 16, Buffer.concat([i64(99_999), i64(99_999)])),
  'timercheck has its time far ahead': (root) => overwrite(path.join(root, 'config/timercheck'), 0, i64(START_MS + 1e9)),
  'timercheck is set back': (root) => overwrite(path.join(root, 'config/timercheck'), 0, Buffer.concat([i64(SECOND - 86_400_000), i64(0), i64(0), i64(0)])),
  'timerwheel is gone': (root) => fs.rmSync(path.join(root, 'timerwheel')),
  'timerwheel has another length': (root) => fs.truncateSync(path.join(root, 'timerwheel'), 1000),
  'timerwheel is all ones': (root) => fs.writeFileSync(path.join(root, 'timerwheel'), Buffer.alloc(38_707_200, 1)),
  'slots of timerwheel point behind the log': (root) => {
    for (let ahead = 0; ahead < 30; ahead++) {
      const second = SECOND / 1000 + ahead;
      overwrite(path.join(root, 'timerwheel'), (second % 1_209_600) * 32, Buffer.concat([i64(second), i64(520_000), i64(520_000)]));
    }
  },
  'timerlog is gone': (root) => fs.rmSync(path.join(root, 'timerlog'), { recursive: true }),
  'timerlog has a file of another length': (root) => fs.writeFileSync(path.join(root, 'timerlog/00000000000104857600'), 'x'),
  'timerlog has a foreign file': (root) => fs.writeFileSync(path.join(root, 'timerlog/notes.txt'), 'x'),
  'units of timerlog are garbage': (root) => overwrite(path.join(root, 'timerlog/00000000000000000000'), 52 * 2, Buffer.alloc(52 * 4, 0x5a)),
  'units of timerlog name other records': (root) => {
    for (let unit = 0; unit < 8; unit++) overwrite(path.join(root, 'timerlog/00000000000000000000'), 52 * unit + 28, i64(0));
  },
  'units of timerlog form a circle': (root) => {
    for (let unit = 0; unit < 8; unit++) overwrite(path.join(root, 'timerlog/00000000000000000000'), 52 * unit + 4, i64(52 * 7));
  },
  'the machine went down, and with it the wheel': (root) => {
    const file = path.join(root, 'mqlite/delivery.json');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"bootId":""', '"bootId":"0123456789abcdef0123456789abcdef"'));
    fs.writeFileSync(path.join(root, 'timerwheel'), Buffer.alloc(38_707_200));
  },
  'delivery.json is garbage': (root) => fs.writeFileSync(path.join(root, 'mqlite/delivery.json'), '{'),
};

describe('a store with delivered and waiting messages', () => {
  let store: DelayStore;
  beforeEach(async () => {
    store = new DelayStore();
    await store.make();
    for (let index = 0; index < 3; index++) await store.send(`level 1 ${index}`, { delayLevel: 1 });
    for (let index = 0; index < 3; index++) await store.send(`level 2 ${index}`, { delayLevel: 2 });
    await store.at(START_MS);
    for (const after of [1100, 1200, 2000, 2600, 2700, 5300, 5400, 9000]) await store.send(`timer ${after}`, { deliverAtMs: SECOND + after });
    const { recallHandle } = await store.send('taken back', { deliverAtMs: SECOND + 5350 });
    await store.broker.recall('T', recallHandle!);
    // The last one of them in the middle of its second.
    expect(await store.at(SECOND + 2650)).toEqual(['level 1 0', 'level 1 1', 'level 1 2', 'timer 1100', 'timer 1200', 'timer 2000', 'timer 2600']);
    await store.broker.close();
  });
  afterEach(() => store.broker.close());

  const ALL = ['level 1 0', 'level 1 1', 'level 1 2', 'level 2 0', 'level 2 1', 'level 2 2', ...[1100, 1200, 2000, 2600, 2700, 5300, 5400, 9000].map((after) => `timer ${after}`)].sort();

  const expectAllOnce = async (): Promise<void> => {
    await store.open();
    const first = await store.at(store.clock.now);
    expect(first).toHaveLength(7);
    for (const ms of [2700, 5123, 5400, 8999]) await store.at(SECOND + ms);
    expect((await store.at(SECOND + 12_000)).sort()).toEqual(ALL);
    for (const message of await store.messages()) {
      const due = message.properties['TIMER_DELIVER_MS'];
      if (due !== undefined) expect(message.storeTimestamp).toBeGreaterThanOrEqual(Number(due));
    }
    await store.reopen();
    expect((await store.at(SECOND + 20_000)).sort()).toEqual(ALL);
  };

  describe.each([['delivery.json counts', false], ['only the broker\'s files count', true]] as const)('%s', (_, isBrokers) => {
    it.each(Object.entries(TAMPERINGS))('%s: everything is delivered once', async (name, tamper) => {
      tamper(store.directory);
      if (isBrokers) {
        // What a broker does that really had the store.
        fs.utimesSync(path.join(store.directory, 'lock'), new Date(), new Date(Date.now() + 5000));
      }
      await expectAllOnce();
      if (/garbage|another length|foreign|all ones|other records|circle/.test(name) && !name.startsWith('delivery.json')) {
        // What cannot be read is kept. (While delivery.json counts, delayOffset.json is only written over when something is delivered.)
        const kept = fs.readdirSync(path.join(store.directory, 'mqlite/quarantine'));
        expect(kept).not.toEqual([]);
        expect(store.notices.filter((notice) => notice.includes('quarantine'))).not.toEqual([]);
      }
    });
  });

  it('untouched: everything is delivered once', () => expectAllOnce());
});
