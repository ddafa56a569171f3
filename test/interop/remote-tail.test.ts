import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Terminal, type TerminalOptions } from '../support/terminal.ts';
import { Cluster } from './support/cluster.ts';
import { JavaClient, type JavaSession } from './support/java-client.ts';
import { runOnCluster } from './support/remote-cli.ts';

/** The full-screen view on a running cluster, with members of the official client on it. */
describe.skipIf(inject('interopSkipReason') !== null)('the live view of a cluster', () => {
  let cluster: Cluster;
  let java: JavaClient;
  let session: JavaSession;
  const terminals: Terminal[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start({ brokers: [{ name: 'broker-a', config: { transactionCheckInterval: 600_000 } }] });
    java = new JavaClient();
    session = await java.connect(cluster.broker('broker-a'));
    await session.createTopic('orders', { queues: 2 });
    await session.send(Array.from({ length: 40 }, (_, index) => ({ topic: 'orders', queueId: index % 2, body: `order ${index} 中文`, tags: index % 2 === 0 ? 'even' : 'odd', keys: `k-${index}` })));
    await session.send([{ topic: 'orders', queueId: 0, body: 'much later', delayLevel: 18 }]);
    await session.transaction('unknown', [{ topic: 'orders', body: 'undecided' }]);
    await session.consume({ group: 'losers', topic: 'orders', count: 40, fail: true, maxReconsumeTimes: 0, tags: 'odd', timeoutMs: 15_000 });
  }, 300_000);
  afterAll(async () => {
    await java?.close();
    await cluster?.end();
  });
  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.kill('SIGKILL');
  });

  function tail(words: readonly string[], options: TerminalOptions = {}): Terminal {
    const terminal = new Terminal(['tail', ...words, '--namesrv', cluster.namesrv], options);
    terminals.push(terminal);
    return terminal;
  }
  const send = async (body: string): Promise<void> => {
    const { code, stderr } = await runOnCluster(['produce', 'orders', body, '--tag', 'new', '--namesrv', cluster.namesrv]);
    expect(code, stderr).toBe(0);
  };

  it('messages: follows, scrolls back to the first, searches, filters, opens', async () => {
    const view = tail(['orders', '--from', '-30'], { columns: 120 });
    await view.shows(/FOLLOWING[^]*order 39/);
    await send('just sent');
    await view.shows(/> .*just sent/);
    view.press('p');
    await view.shows('PAUSED');
    await send('while it rests');
    await view.shows('+1 new');
    view.press('home');
    await view.shows('order 0 ');
    view.press('/', 'order 17');
    await view.shows(/> .*order 17 /);
    view.press('enter', 'enter');
    await view.shows(/^..topic +orders/m);
    await view.shows('k-17');
    // Alone: an escape with a key right behind it is another key.
    view.press('esc');
    await view.shows('PAUSED');
    view.press('f', 'even', 'enter');
    await view.shows((text) => text.includes('filter even') && text.includes('order 18 ') && !text.includes('order 17 '));
    view.press('q');
    expect(await view.finished()).toMatchObject({ code: 0 });
  });

  it('the commit log, queues, groups, what waits, dead letters and halves', async () => {
    await session.join({ member: 'm', group: 'readers', topic: 'orders' });
    const view = tail([], { columns: 160, rows: 50 });
    await view.shows('FOLLOWING');
    view.press('2');
    await view.shows(/Commit log\][^]*log offset/);
    await send('seen in the log');
    await view.shows(/> .*orders .* ok .*new/);
    view.press('home');
    await view.shows(/^[> ] +0 +\d+ /m);
    view.press('3');
    await view.shows(/\[3 Queues\][^]*orders +/);
    await view.shows(/orders +0 +0 +\d+/);
    view.press('4');
    await view.shows(/\[4 Groups\][^]*readers/);
    await view.shows(/losers/);
    view.press('5');
    await view.shows(/\[5 Delayed\][^]*much later/);
    view.press('6');
    await view.shows(/\[6 Dead letters\][^]*losers[^]*order \d*[13579] /);
    view.press('enter');
    await view.shows(/^..topic +%DLQ%losers/m);
    view.press('esc');
    await view.shows('DEAD FOR');
    view.press('7');
    await view.shows(/\[7 Half messages\][^]*orders/);
    view.press('q');
    expect(await view.finished()).toMatchObject({ code: 0 });
    await session.leave('m');
  });

  it('a broker that dies: the last data stays with its age, and the view goes on when it is back', async () => {
    const view = tail(['orders', '--from', '-5'], { columns: 120 });
    await view.shows(/FOLLOWING[^]*> .* (order \d|just sent|while it rests|seen in the log)/);
    await cluster.broker('broker-a').kill();
    await view.shows(/\d+ ?s old/, 60_000);
    expect(view.text).toContain('seen in the log');
    view.press(':', '@-1h', 'enter');
    await view.shows(/could not be read: /, 60_000);
    expect(view.text).toContain('seen in the log');
    await cluster.boot('broker-a');
    await view.shows((text) => !/\d+ ?s old/.test(text), 90_000);
    view.press('G');
    await view.shows('FOLLOWING');
    await send('it is back');
    await view.shows('it is back', 60_000);
    view.press('q');
    expect(await view.finished()).toMatchObject({ code: 0 });
  });
});
