import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { isRetryTopic, retryTopicOf } from '../broker/retry-topics.ts';
import type { GroupRequest } from '../client/group-consumer.ts';
import { consumeAsGroup } from '../client/group-consumer.ts';
import { oneByOne, StopConsuming } from '../client/one-by-one.ts';
import type { Clock } from '../base/clock.ts';
import type { SendBackResult } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { WORDS_FOLLOW } from './exec-words.ts';
import { execListener, placeOf, refuseWhatCannotRun } from './exec-listener.ts';
import type { CommandSpec } from './run-command.ts';
import { commandSpec } from './run-command.ts';
import { parseDuration } from './time.ts';

export interface ExecFlagValues {
  readonly group?: string | undefined;
  readonly json: boolean;
  readonly format?: string | undefined;
  readonly exec?: string | undefined;
  readonly suspend?: string | undefined;
  readonly 'max-reconsume'?: number | undefined;
}

export interface ExecRequest {
  readonly command: CommandSpec;
  readonly suspendMs: number;
  /** undefined: the group's. */
  readonly maxReconsumeTimes: number | undefined;
}

const DEFAULT_SUSPEND = '30s';

/** undefined without --exec. Error: USAGE. */
export function execRequest(flags: ExecFlagValues, words: readonly string[]): ExecRequest | undefined {
  if (flags.exec === undefined) {
    for (const name of ['suspend', 'max-reconsume'] as const) {
      if (flags[name] !== undefined) throw new MqliteError('USAGE', `--${name} goes with --exec`, { hint: 'Printing a message cannot fail as a command can.' });
    }
    return undefined;
  }
  if (flags.group === undefined) throw new MqliteError('USAGE', '--exec needs --group', { hint: 'What a command has consumed is committed for a group.' });
  for (const name of ['json', 'format'] as const) {
    if (flags[name] !== undefined && flags[name] !== false) throw new MqliteError('USAGE', `--${name} and --exec exclude each other`, { hint: 'With --exec the command gets the messages, and prints what it likes.' });
  }
  return {
    command: commandSpec('--exec', flags.exec === WORDS_FOLLOW ? '' : flags.exec, words),
    suspendMs: parseDuration(flags.suspend ?? DEFAULT_SUSPEND, '--suspend'),
    maxReconsumeTimes: flags['max-reconsume'],
  };
}

export interface ExecRun {
  readonly exec: ExecRequest;
  readonly grep: RegExp | undefined;
  readonly count: number | undefined;
  readonly suspendText: string | undefined;
  readonly notice: (text: string) => void;
}

/**
 * Consumes as a member of a group through a command, retries included. Answers how many messages the command was given.
 * Errors: USAGE when the command cannot be run; those of the broker.
 */
export async function consumeThroughCommand(broker: Broker, clock: Clock, request: Omit<GroupRequest, 'deliver' | 'batchLimit'>, run: ExecRun): Promise<number> {
  const { group, signal, topics } = request;
  const { command, suspendMs, maxReconsumeTimes } = run.exec;
  const listener = execListener(command, run.suspendText ?? DEFAULT_SUSPEND, run.notice);
  const deliver = oneByOne({ broker, clock, group, listener, suspendMs, maxReconsumeTimes, signal, onSentBack: (message, result) => run.notice(`${placeOf(message)}: ${sentBackText(message, result)}`) });
  let given = 0;
  try {
    await consumeAsGroup(broker, clock, {
      ...request,
      topics: [...topics, await retryTopic(broker, group)],
      // What one message becomes is known before the next one is asked for.
      batchLimit: () => (run.count !== undefined && given >= run.count ? 0 : 1),
      deliver: async (batch) => {
        const wanted = batch.filter(({ body }) => run.grep === undefined || run.grep.test(body.toString('utf8')));
        await deliver(wanted);
        given += wanted.length;
      },
    });
  } catch (error) {
    if (!(error instanceof StopConsuming)) throw error;
  }
  refuseWhatCannotRun(listener, command);
  return given;
}

/** A broker makes it when a consumer first says that it is there. [ClientManageProcessor#heartBeat] */
async function retryTopic(broker: Broker, group: string): Promise<string> {
  const topic = retryTopicOf(group);
  if (!(await broker.listTopics()).some((config) => config.topic === topic)) {
    const queues = (await broker.listGroups()).find((config) => config.group === group)?.retryQueueNums ?? 1;
    await broker.createTopic(topic, { readQueueNums: Math.max(1, queues), writeQueueNums: Math.max(1, queues) });
  }
  return topic;
}

function sentBackText({ topic }: Message, { topic: storedIn, reconsumeTimes, isDead }: SendBackResult): string {
  if (storedIn === null) return 'failed and is dropped: its group keeps no retries (retryQueueNums 0)';
  const times = `${isRetryTopic(topic) ? 'failed again' : 'failed'}, ${reconsumeTimes === 1 ? 'the first time' : `${reconsumeTimes} times now`}`;
  return isDead ? `${times}: dead, in ${storedIn}` : `${times}: comes again later`;
}
