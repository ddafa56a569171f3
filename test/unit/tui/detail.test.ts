import { beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../../src/record/message.ts';
import { openDetail } from '../../../src/tui/detail.ts';
import { reindentJson } from '../../../src/tui/reindent-json.ts';
import { detailLines } from '../../../src/tui/views/pages.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

let broker: FakeBroker;
beforeEach(async () => {
  broker = new FakeBroker();
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
});

async function message(body: string, more: Partial<Parameters<FakeBroker['send']>[0]> = {}): Promise<Message> {
  await broker.send({ topic: 'T', body: Buffer.from(body), ...more });
  return broker.store.log.at(-1)!;
}

describe('JSON that nobody could read', () => {
  it('is shown as the text that it is, however deep', async () => {
    for (const depth of [2500, 16_000]) {
      const body = '['.repeat(depth) + ']'.repeat(depth);
      expect(reindentJson(body)).toBeNull();
      const detail = openDetail(await message(body), 80);
      expect(detail.modes).toEqual(['text', 'hex']);
      expect(detailLines(detail, 80, 20)).toHaveLength(20);
    }
    expect(reindentJson(`${'['.repeat(64)}1${']'.repeat(64)}`)).not.toBeNull();
    // Not deep, and wide.
    expect(reindentJson(`${'['.repeat(60)}${'1,'.repeat(32_000)}1${']'.repeat(60)}`)).toBeNull();
  });

  it('is a page also of more lines than a call takes arguments', async () => {
    const detail = openDetail(await message('x'), 80);
    const lines = Array.from({ length: 300_000 }, () => detail.lines[0]!);
    expect(detailLines({ ...detail, lines }, 80, 20)).toHaveLength(20);
  });
});
