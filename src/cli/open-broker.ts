import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { OutgoingMessage } from '../broker/types.ts';
import type { OpenRequest } from './host.ts';
import type { Target } from './target.ts';

/**
 * Opens the adapter that a target needs. The adapters are imported here and nowhere else, on use: start-up stays short.
 * Errors: USAGE for a write under --read-only and for keys and certificates that cannot be read; those of the adapter.
 */
export async function openTarget(request: OpenRequest): Promise<Broker> {
  const { target } = request;
  if (target.kind === 'remote') {
    const [{ openRemoteBroker }, { readAccess }, { broadcastFiles }] = await Promise.all([import('../remote/open.ts'), import('./access.ts'), import('./broadcast-files.ts')]);
    const { tls, credentials } = readAccess(target, request.env);
    return openRemoteBroker({
      nameServers: target.addresses, mode: request.mode, tls: tls ?? undefined,
      credentials: credentials === null ? undefined : { ...credentials, securityToken: credentials.securityToken ?? undefined },
      clock: request.clock, onNotice: request.onNotice, settings: request.clientSettings,
      broadcastFiles: broadcastFiles(request.dataDirectory, target.addresses),
    });
  }
  const { openLocalBroker } = await import('../engine/open.ts');
  return openLocalBroker({
    storeDirectory: target.directory,
    commitLogDirectory: target.commitLogDirectory,
    mode: request.mode,
    create: request.create,
    lockTimeoutMs: request.lockTimeoutMs,
    flush: request.flush,
    readOnly: request.readOnly,
    clock: request.clock,
    onNotice: request.onNotice,
  });
}

/** Whether a message can be sent, as far as that is known before anything is made for it; `newTopicQueues`: of its topic, where that is to be made. */
export type MessageCheck = (message: OutgoingMessage, newTopicQueues: number | null) => Promise<void> | undefined;

/** A cluster checks messages itself. */
export async function messageCheck(target: Target, clock: Clock): Promise<MessageCheck> {
  if (target.kind === 'remote') return () => undefined;
  const { checkSendable } = await import('../engine/local/send-check.ts');
  return (message, newTopicQueues) => checkSendable(message, clock.nowMs(), newTopicQueues);
}
