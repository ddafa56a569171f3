import { afterAll, beforeAll, describe, inject } from 'vitest';
import { describeBrokerContract } from '../contract/broker-contract.ts';
import { clusterExceptions, NEEDS_FRESH_CLUSTER } from './support/contract-exceptions.ts';
import { ContractCluster } from './support/contract-cluster.ts';
import { TESTED_VERSIONS } from './support/jvm.ts';

describe.skipIf(inject('interopSkipReason') !== null).each(TESTED_VERSIONS)('the contract over a real cluster of %s', (version) => {
  const cluster = new ContractCluster(version);
  beforeAll(() => cluster.start());
  afterAll(() => cluster.end());
  describeBrokerContract('a cluster', (testName) => cluster.open(NEEDS_FRESH_CLUSTER.has(testName)), clusterExceptions(version));
});
