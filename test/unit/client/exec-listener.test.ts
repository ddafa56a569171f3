import { describe, expect, it } from 'vitest';
import { ExecListener } from '../../../src/client/exec-listener.ts';
import type { CommandVerdict } from '../../../src/client/exec-listener.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

const setup = async (verdict: CommandVerdict) => {
  const broker = new FakeBroker();
  await broker.send({ topic: 'Orders', body: Buffer.from('x') });
  const runs: string[] = [];
  const trouble: unknown[][] = [];
  const listener = new ExecListener({
    run: async (message) => {
      runs.push(message.body.toString());
      return { verdict, text: 'how it ended' };
    },
    onTrouble: (message, outcome, text) => trouble.push([message.topic, outcome, text]),
  });
  return { listener, message: broker.store.log[0]!, runs, trouble };
};
const stopping = AbortSignal.abort();
const going = new AbortController().signal;

describe('ExecListener', () => {
  it.each([
    ['ok', 'consumed'], ['failed', 'reconsumeLater'], ['unavailable', 'suspend'], ['killed', 'reconsumeLater'], ['cannotRun', 'stop'],
  ] as const)('%s is %s', async (verdict, outcome) => {
    const { listener, message, trouble } = await setup(verdict);
    expect(await listener.consume(message, going)).toBe(outcome);
    expect(trouble).toEqual(outcome === 'consumed' ? [] : [['Orders', outcome, 'how it ended']]);
  });

  it('runs nothing more once the command could not be run, and once it is told to stop', async () => {
    const missing = await setup('cannotRun');
    await missing.listener.consume(missing.message, going);
    expect(missing.listener.cannotRun).toBe('how it ended');
    expect(await missing.listener.consume(missing.message, going)).toBe('stop');
    expect(missing.runs).toHaveLength(1);
    const stopped = await setup('ok');
    expect(await stopped.listener.consume(stopped.message, stopping)).toBe('stop');
    expect(stopped.runs).toEqual([]);
  });

  it.each([['killed', 'stop'], ['failed', 'reconsumeLater'], ['ok', 'consumed']] as const)('%s while stopping is %s', async (verdict, outcome) => {
    const { message } = await setup('ok');
    const stop = new AbortController();
    const listener = new ExecListener({
      run: async () => {
        stop.abort();
        return { verdict, text: '' };
      },
      onTrouble: () => undefined,
    });
    expect(await listener.consume(message, stop.signal)).toBe(outcome);
    expect(listener.cannotRun).toBeNull();
  });
});
