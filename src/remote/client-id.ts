import { randomBytes } from 'node:crypto';
import { formatHost } from '../record/host.ts';

/** A client id that no other has: `ip@pid#number`. [ClientConfig#buildMQClientId] */
export const newClientId = (localIp: Uint8Array): string => {
  const withPort = Buffer.concat([localIp, Buffer.alloc(4)]);
  const ip = formatHost(withPort, 0, localIp.length === 16).replace(/:0$/, '').replace(/^\[|\]$/g, '');
  return `${ip}@${process.pid}#${randomBytes(6).readUIntBE(0, 6)}`;
};
