import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { ContractContext, OpenedBroker } from './harness.ts';
import { delayContract } from './parts/delay.ts';
import { groupContract } from './parts/groups.ts';
import { logContract } from './parts/log.ts';
import { memberContract } from './parts/members.ts';
import { pullContract } from './parts/pull.ts';
import { queryContract } from './parts/query.ts';
import { refusalContract } from './parts/refusals.ts';
import { requestContract } from './parts/requests.ts';
import { reopenContract } from './parts/reopen.ts';
import { retryContract } from './parts/retry.ts';
import { sendContract } from './parts/send.ts';
import { transactionContract } from './parts/transactions.ts';
import { topicContract } from './parts/topics.ts';

/** Tests that a target cannot pass for what it is, by name, each with the reason. */
export type ContractExceptions = Readonly<Record<string, string>>;

/**
 * What every Broker promises, whatever stands behind it. `open` makes a fresh, empty, writable target for each test.
 * A test that only one adapter passes does not belong here; what a real cluster does otherwise is named in `exceptions`.
 */
export function describeBrokerContract(name: string, open: (testName: string) => Promise<OpenedBroker>, exceptions: ContractExceptions = {}): void {
  describe(`the broker contract: ${name}`, () => {
    let opened: OpenedBroker | undefined;
    let current: Broker | undefined;
    beforeEach(async ({ task, skip }) => {
      opened = undefined;
      current = undefined;
      const reason = exceptions[task.name];
      if (reason !== undefined) {
        // The gate counts a skipped test as failed, but one that names its reason.
        Object.assign(task.meta, { exception: reason });
        skip(reason);
      }
      opened = await open(task.name);
      current = opened.broker;
    });
    afterEach(async () => {
      await current?.close();
      await opened?.dispose();
    });
    const context: ContractContext = {
      get broker() {
        return current!;
      },
      get reopen() {
        const reopen = opened!.reopen;
        return reopen === undefined ? undefined : async () => (current = await reopen());
      },
    };

    it('says what it is', () => {
      const { broker } = context;
      expect(['local', 'remote']).toContain(broker.kind);
      expect(broker.target).not.toBe('');
      expect(broker.supports('store-tools')).toBe(broker.kind === 'local');
      for (const feature of ['forced-delivery', 'recall', 'lag-bytes'] as const) expect(typeof broker.supports(feature)).toBe('boolean');
      expect(broker.damage()).toEqual([]);
      expect(Array.isArray(broker.notices())).toBe(true);
    });

    it('may be closed twice', async () => {
      await context.broker.close();
      await context.broker.close();
    });

    sendContract(context);
    pullContract(context);
    queryContract(context);
    logContract(context);
    requestContract(context);
    topicContract(context);
    groupContract(context);
    delayContract(context);
    retryContract(context);
    memberContract(context);
    transactionContract(context);
    refusalContract(context);
    reopenContract(context);
  });
}
