import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, it } from 'vitest';
import { Cluster, TLS_FILES } from './support/cluster.ts';
import { describeInterop } from './support/suite.ts';

const GET_BROKER_CLUSTER_INFO = 106;
const GET_ALL_TOPIC_CONFIG = 21;
const TIMEOUT_MS = 5000;

/** One request with a JSON header, and the header and body of its answer; rejects when the peer closes. */
function ask(socket: Socket, code: number): Promise<{ readonly header: { readonly code: number; readonly remark?: string }; readonly body: string }> {
  const header = Buffer.from(JSON.stringify({ code, flag: 0, language: 'JAVA', opaque: 1, version: 479, extFields: {} }));
  const frame = Buffer.alloc(8);
  frame.writeInt32BE(4 + header.length, 0);
  frame.writeInt32BE(header.length, 4);
  socket.write(Buffer.concat([frame, header]));
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject).on('close', () => reject(new Error('closed without an answer')));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 8 || received.length < 4 + received.readInt32BE(0)) return;
      const headerEnd = 8 + received.readUIntBE(5, 3);
      resolve({ header: JSON.parse(received.toString('utf8', 8, headerEnd)) as { code: number; remark?: string }, body: received.toString('utf8', headerEnd) });
      socket.destroy();
    });
  });
}

const endpoint = (address: string): { host: string; port: number } => ({ host: address.split(':')[0]!, port: Number(address.split(':')[1]) });
const overTls = (address: string, withCertificate = true): Socket =>
  connectTls({
    ...endpoint(address), ca: readFileSync(TLS_FILES.ca),
    ...(withCertificate ? { cert: readFileSync(TLS_FILES.cert), key: readFileSync(TLS_FILES.key) } : {}),
  });

/** What the tests of clusters rest on: that TLS and signatures are really there. */
describeInterop('a cluster of this harness', () => {
  it('with TLS and signatures: no plain connection, none without a certificate, no request without a signature', async () => {
    const cluster = await Cluster.start({ brokers: [{ name: 'broker-a' }], tls: true, auth: true });
    try {
      const { body } = await ask(overTls(cluster.namesrv), GET_BROKER_CLUSTER_INFO);
      expect(body).toContain(cluster.broker('broker-a').address);
      await expect(ask(connectTcp(endpoint(cluster.namesrv)), GET_BROKER_CLUSTER_INFO)).rejects.toThrow();
      await expect(ask(overTls(cluster.namesrv, false), GET_BROKER_CLUSTER_INFO)).rejects.toThrow();
      const unsigned = await ask(overTls(cluster.broker('broker-a').address), GET_ALL_TOPIC_CONFIG);
      expect(unsigned.header).toMatchObject({ code: 16, remark: expect.stringContaining('username cannot be null') as string });
    } finally {
      await cluster.end();
    }
  });
});
