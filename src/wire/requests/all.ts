import type { AnyRequestDefinition } from '../definition.ts';
import * as brokerAdmin from './broker-admin.ts';
import * as client from './client.ts';
import * as consumerClient from './consumer-client.ts';
import * as sendBack from './consumer-send-msg-back.ts';
import * as groupAdmin from './group-admin.ts';
import * as lock from './lock.ts';
import * as offsets from './offsets.ts';
import * as progress from './progress.ts';
import * as pull from './pull-message.ts';
import * as query from './query-message.ts';
import * as route from './route.ts';
import * as send from './send-message.ts';
import * as topicAdmin from './topic-admin.ts';
import * as transaction from './transaction.ts';

const isDefinition = (value: unknown): value is AnyRequestDefinition => typeof value === 'object' && value !== null && 'requestHeader' in value;

/** Every definition by its code: for whoever answers requests, and for looking at traffic. */
export const allDefinitions = (): ReadonlyMap<number, AnyRequestDefinition> => {
  const modules = [brokerAdmin, client, consumerClient, sendBack, groupAdmin, lock, offsets, progress, pull, query, route, send, topicAdmin, transaction];
  const definitions = modules.flatMap((module) => (Object.values(module) as unknown[]).filter(isDefinition));
  return new Map(definitions.map((definition) => [definition.code, definition]));
};
