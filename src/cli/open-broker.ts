import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { OpenRequest } from './host.ts';

/**
 * Opens the adapter that a target needs. The adapters are imported here and nowhere else, on use: start-up stays short.
 * Errors: USAGE for a write under --read-only; UNSUPPORTED for a name server; those of the adapter.
 */
export async function openTarget(request: OpenRequest): Promise<Broker> {
  const { target } = request;
  if (target.kind === 'remote') {
    throw new MqliteError('UNSUPPORTED', `name server ${target.addresses.join(';')} (${target.source}): this version of mqlite opens store directories only`, {
      hint: 'Use --store DIR; the remote adapter for a running cluster is not part of this version.',
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
