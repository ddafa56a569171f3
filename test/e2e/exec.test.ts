import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { outputOf, runCli, startCli } from '../support/processes.ts';

interface Offsets {
  readonly offsets: readonly { readonly committedOffset: number | null }[];
}

const stored = (count: number): { readonly store: string; readonly file: (name: string) => string } => {
  const directory = temporaryDirectory('exec');
  const store = path.join(directory, 'store');
  outputOf(['topics', 'create', 'orders', '--queues', '1'], { store: makeStore(store) });
  outputOf(['produce', 'orders'], { store, input: Array.from({ length: count }, (_, index) => `m${index}\n`).join('') });
  return { store, file: (name) => path.join(directory, name) };
};

const makeStore = (store: string): string => {
  outputOf(['store', 'init'], { store });
  return store;
};

const committed = (store: string): number | null =>
  (JSON.parse(outputOf(['offsets', 'show', 'billing', '--topic', 'orders', '--json'], { store })) as Offsets).offsets[0]!.committedOffset;

const topics = (store: string): string => outputOf(['topics', 'list', '--all'], { store });

it.each(['SIGTERM', 'SIGINT'] as const)('%s while a command runs: it is told to end, and its message is neither consumed nor sent back', async (signal) => {
  const { store, file } = stored(3);
  const command = `b=$(cat); echo "$b" >> ${file('seen')}; [ "$b" = m0 ] || exec sleep 60`;
  const consumer = startCli(['consume', 'orders', '--group', 'billing', '--exec', command], { store, input: '' });
  await consumer.until(() => existsSync(file('seen')) && readFileSync(file('seen'), 'utf8').includes('m1\n'), 'the second message');
  consumer.kill(signal);
  expect(await consumer.finish(10_000)).toEqual({ code: signal === 'SIGTERM' ? 143 : 130, signal: null });
  expect(committed(store)).toBe(1);
  expect(topics(store)).not.toContain('%DLQ%');
  expect(consumer.stderr).toBe('');
  // The same message again, and the rest.
  outputOf(['consume', 'orders', '--group', 'billing', '--until-end', '--exec', `cat >> ${file('again')}`], { store });
  expect(readFileSync(file('again'), 'utf8')).toBe('m1m2');
  expect(committed(store)).toBe(3);
});

it('a consumer killed -9 gives the message whose command was running to the next one', async () => {
  const { store, file } = stored(2);
  const consumer = startCli(['consume', 'orders', '--group', 'billing', '--exec', `cat > ${file('first')}; exec sleep 5`], { store, input: '' });
  await consumer.until(() => existsSync(file('first')), 'the first message');
  consumer.kill('SIGKILL');
  await consumer.exited;
  outputOf(['consume', 'orders', '--group', 'billing', '--until-end', '--exec', `cat >> ${file('again')}`], { store });
  expect(readFileSync(file('again'), 'utf8')).toBe('m0m1');
});

it('a command that is not there ends 2, and consumes nothing', () => {
  const { store, file } = stored(1);
  const { status, stderr } = runCli(['consume', 'orders', '--group', 'billing', '--until-end', '--exec', '--', file('missing'), 'x'], { store });
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(`--exec ${file('missing')}: exit code 127`) as string });
  expect(committed(store) ?? 0).toBe(0);
});
