import { JavaClient } from '../../interop/support/java-client.ts';
import { brokerConfigOf } from '../../interop/support/mqlite.ts';
import { startBroker, startNameServer } from '../../interop/support/real-broker.ts';

/** Boots a real broker on the directory given and prints what the official client sees of a topic: `queueId/queueOffset msgId`, a line each. */
const [storeDirectory, topic] = process.argv.slice(2) as [string, string];
const config = await brokerConfigOf(storeDirectory);
const namesrv = await startNameServer();
const client = new JavaClient();
try {
  const broker = await startBroker({ storeDirectory, namesrv: namesrv.address, config });
  const complaints = broker.complaints();
  if (complaints.length > 0) throw new Error(`the broker complains:\n${complaints.join('\n')}`);
  const session = await client.connect(broker);
  const places = await session.places(topic);
  process.stdout.write(places.map((place) => `${place}\n`).join(''));
  await session.close();
  await broker.stop();
} finally {
  await client.close();
  await namesrv.stop();
}
