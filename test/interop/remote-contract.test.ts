import { afterAll, beforeAll, describe, inject } from 'vitest';
import { describeBrokerContract } from '../contract/broker-contract.ts';
import { CLUSTER_EXCEPTIONS, NEEDS_FRESH_CLUSTER } from './support/contract-exceptions.ts';
import { ContractCluster } from './support/contract-cluster.ts';

describe.skipIf(inject('interopSkipReason') !== null)('the contract over a real cluster', () => {
  const cluster = new ContractCluster();
  beforeAll(() => cluster.start());
  afterAll(() => cluster.end());
  describeBrokerContract('a cluster', (testName) => cluster.open(NEEDS_FRESH_CLUSTER.has(testName)), CLUSTER_EXCEPTIONS);
});
