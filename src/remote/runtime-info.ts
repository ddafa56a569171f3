import type { KVTable } from '../wire/body/route.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { GET_BROKER_RUNTIME_INFO } from '../wire/requests/broker-admin.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster } from './cluster.ts';

/** For how long after its start a broker may not have the statistics that it is asked for: it takes the first sample after a second. */
const FIRST_SAMPLE_MS = 3000;
const POLL_MS = 200;

/** What a broker tells of itself; one that has just started is asked again until it can. Errors: those of `Cluster#askAt`, and what it refuses. */
export async function runtimeInfo(cluster: Cluster, { brokerName, address }: { readonly brokerName: string; readonly address: string }, signal?: AbortSignal): Promise<KVTable['table']> {
  const { clock } = cluster.client.options;
  for (const untilMs = clock.elapsedMs() + FIRST_SAMPLE_MS; ; await clock.sleep(POLL_MS, signal)) {
    const response = await cluster.askAt(brokerName, address, GET_BROKER_RUNTIME_INFO, {}, null);
    if (response.code === RESPONSE_CODE.SUCCESS) return cluster.client.decode(address, GET_BROKER_RUNTIME_INFO, response).body.table;
    if (!isBeforeFirstSample(response) || clock.elapsedMs() >= untilMs || signal?.aborted === true) throw responseError(`broker ${brokerName} (${address})`, GET_BROKER_RUNTIME_INFO.name, response);
  }
}

/** It looks for the last sample in an empty list, and answers with what Java threw. [StoreStatsService#getPutTps] */
const isBeforeFirstSample = ({ code, remark }: RemotingCommand): boolean => code === RESPONSE_CODE.SYSTEM_ERROR && (remark ?? '').includes('NoSuchElementException');
