import { openLocalBroker } from '../../src/engine/open.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { describeBrokerContract } from './broker-contract.ts';

describeBrokerContract('a store directory', async () => {
  const storeDirectory = temporaryDirectory('contract');
  const open = () => openLocalBroker({ storeDirectory, mode: 'write', create: true });
  let broker = await open();
  const reopen = async () => {
    await broker.close();
    broker = await open();
    return broker;
  };
  return { broker, reopen, dispose: async () => {} };
});
