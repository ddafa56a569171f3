import { MqliteError } from '../broker/errors.ts';
import { encodeHost } from '../record/host.ts';

/** [ClientConfig#instanceName] */
export const DEFAULT_INSTANCE = 'DEFAULT';
const MAX_INSTANCE_LENGTH = 120;

/** Errors: INVALID_INPUT for what is no file name everywhere: the offsets of an instance are kept under its name. */
export const checkInstanceName = (instance: string): void => {
  if (/^[A-Za-z0-9_%|@#-][A-Za-z0-9_%|@#.-]*$/.test(instance) && instance.length <= MAX_INSTANCE_LENGTH) return;
  throw new MqliteError('INVALID_INPUT', `the instance name ${JSON.stringify(instance)} is not one`, { hint: `allowed are 1 to ${MAX_INSTANCE_LENGTH} letters, digits, "_", "-", "%", "@", "#" and, not first, "."` });
};

/** `IP@PID#nanoseconds`, another one each time, as Java's clients call themselves; of a broadcasting member `IP@instance`; behind it `@` and the unit. [ClientConfig#buildMQClientId, #changeInstanceNameToPID] */
export const clientIdOf = (ip: string, instance: string | null, unitName?: string): string =>
  `${ip}@${instance ?? `${process.pid}#${process.hrtime.bigint()}`}${unitName === undefined ? '' : `@${unitName}`}`;

/** Whatever a client id tells of its owner; null: it does not. */
export const ownerOfClientId = (clientId: string): { readonly host: string | null; readonly pid: number | null } => {
  const found = /^(.+?)@(?:(\d{1,10})(?:#|$))?/.exec(clientId);
  return { host: found?.[1] ?? null, pid: found?.[2] === undefined ? null : Number(found[2]) };
};

/** An address as ids have it: without the zone of a link, IPv4 without the prefix that a dual-stack socket gives it. */
export const plainIp = (address: string): string => address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, '');

/** The 4 or 16 bytes of a plain address, for message ids. */
export const ipBytes = (ip: string): Uint8Array => (ip.includes(':') ? encodeHost(`[${ip}]:0`).subarray(0, 16) : encodeHost(`${ip}:0`).subarray(0, 4));
