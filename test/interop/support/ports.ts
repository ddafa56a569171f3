import { createServer } from 'node:net';

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * A port p for which p-2 (the broker's fast port), p and p+1 (its HA port) are free. Looked for below the range that the
 * system hands out for outgoing connections, from a place that differs per process.
 */
export async function freeBrokerPort(): Promise<number> {
  const start = 12_000 + (process.pid * 37) % 15_000;
  for (let i = 0; i < 500; i++) {
    const port = 12_002 + (start - 12_000 + i * 5) % 18_000;
    if (await isFree(port - 2) && await isFree(port) && await isFree(port + 1)) return port;
  }
  throw new Error('no three free ports between 12000 and 30000');
}
