import { expect, it } from 'vitest';
import { ExecReport } from '../../../src/cli/exec-report.ts';
import type { Output } from '../../../src/cli/output.ts';
import type { CommandResult } from '../../../src/cli/run-command.ts';
import { decodeRecord } from '../../../src/record/decode.ts';
import { recordBytes } from '../../support/scripted-cluster.ts';

it('messages of two masters at the same number and offset are two', async () => {
  const lines: { brokerName: string; exitCode: number; outcome: string }[] = [];
  const out = { write: async (text: string) => void lines.push(JSON.parse(text) as (typeof lines)[number]) } as unknown as Output;
  const report = new ExecReport(out);
  const [first, second] = ['broker-a', 'broker-b'].map((brokerName) => decodeRecord(recordBytes({ topic: 'T', queueId: 0, queueOffset: 7 }), 0, brokerName));
  const ended = (exitCode: number): CommandResult => ({ exitCode, signal: null }) as CommandResult;
  report.ended(first!, ended(1));
  report.ended(second!, ended(0));
  await report.decided(first!, 'dead');
  await report.decided(second!, 'consumed');
  expect(lines.map(({ brokerName, exitCode, outcome }) => `${brokerName} ${exitCode} ${outcome}`)).toEqual(['broker-a 1 dead', 'broker-b 0 consumed']);
});
