import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { SendBackResult } from '../broker/types.ts';
import { isRetryTopic, retryTopicOf } from '../broker/retry-topics.ts';
import type { GroupOptions } from '../client/group-options.ts';
import type { ConsumeOutcome, MessageListener } from '../client/listener.ts';
import type { Message } from '../record/message.ts';
import { runPushed } from './consume-group.ts';
import type { ConsumeRun } from './consume-run.ts';
import { WORDS_FOLLOW } from './exec-words.ts';
import { ExecReport } from './exec-report.ts';
import { execListener, placeOf, refuseWhatCannotRun } from './exec-listener.ts';
import { grepFilter } from './read-flags.ts';
import type { CommandSpec } from './run-command.ts';
import { commandSpec } from './run-command.ts';
import { parseDuration } from '../text/time.ts';

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
  if (flags.format !== undefined) throw new MqliteError('USAGE', '--format and --exec exclude each other', { hint: 'With --exec the command gets the messages, and prints what it likes; --json prints what became of each.' });
  return {
    command: commandSpec('--exec', flags.exec === WORDS_FOLLOW ? '' : flags.exec, words),
    suspendMs: parseDuration(flags.suspend ?? DEFAULT_SUSPEND, '--suspend'),
    maxReconsumeTimes: flags['max-reconsume'],
  };
}

/**
 * Consumes as a member of a group through a command, retries included. Answers how many messages the command was given.
 * Errors: USAGE when the command cannot be run; those of the broker.
 */
export async function consumeThroughCommand(broker: Broker, run: ConsumeRun, options: GroupOptions, exec: ExecRequest): Promise<number> {
  const { flags, onNotice } = run;
  const { command, suspendMs, maxReconsumeTimes } = exec;
  const report = flags.json ? new ExecReport(run.out) : undefined;
  const commands = execListener(command, flags.suspend ?? DEFAULT_SUSPEND, onNotice, { lines: report, output: run.out.forPrograms });
  const counted = new CountingListener(commands, { count: flags.count ?? Infinity, grep: grepFilter(flags.grep), orderly: flags.orderly, messageModel: options.messageModel, report });
  if (options.messageModel !== 'broadcasting') await makeRetryTopic(broker, options.group);
  await runPushed(broker, run, {
    ...options,
    ...(maxReconsumeTimes === undefined ? {} : { maxReconsumeTimes }),
    signal: AbortSignal.any([options.signal, counted.ended]),
    listener: counted,
    restMs: suspendMs,
    sendBack: async (message, request) => {
      const result = await broker.sendBack(message, request);
      onNotice(`${placeOf(message)}: ${sentBackText(message, result)}`);
      await report?.sentBack(message, result);
      if (flags.orderly) counted.gaveUp();
      return result;
    },
  });
  refuseWhatCannotRun(commands, command);
  const [resting] = counted.resting;
  if (resting !== undefined) {
    const more = counted.resting.size > 1 ? `, and ${counted.resting.size - 1} more` : '';
    onNotice(`ended while its queue rests: ${resting}${more} is not consumed, and comes first the next time`);
  }
  return counted.given;
}

interface CountingOptions {
  readonly count: number;
  readonly grep: RegExp | undefined;
  /** What fails is tried again in place, and counts when that has come to an end. */
  readonly orderly: boolean;
  readonly messageModel: GroupOptions['messageModel'];
  readonly report: ExecReport | undefined;
}

/** Gives a listener what is wanted, and ends when it has had enough and is done with all of it. */
class CountingListener implements MessageListener {
  readonly #listener: MessageListener;
  readonly #options: CountingOptions;
  readonly #end = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  given = 0;
  /** What the command last ended 75 for: it comes again when its queue has rested. */
  readonly resting = new Set<string>();

  constructor(listener: MessageListener, options: CountingOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  async consume(message: Message, signal: AbortSignal): Promise<ConsumeOutcome> {
    const { count, grep, orderly } = this.#options;
    if (grep?.test(message.body.toString('utf8')) === false) return 'consumed';
    // Enough are under way, unless one of them comes again. Stopping now would end their commands.
    while (this.given >= count && this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.given >= count) return 'stop';
    this.given++;
    this.#underWay++;
    const outcome = await this.#listener.consume(message, signal);
    this.#underWay--;
    if (outcome === 'suspend') this.resting.add(placeOf(message));
    else this.resting.delete(placeOf(message));
    await this.#tell(message, outcome);
    // Given once, however often it comes again.
    if (outcome === 'suspend' || outcome === 'stop' || (outcome === 'reconsumeLater' && orderly)) this.given--;
    this.#endWhenEnough();
    return outcome;
  }

  /** What is sent back is told when it is stored. */
  async #tell(message: Message, outcome: ConsumeOutcome): Promise<void> {
    const { report, orderly, messageModel } = this.#options;
    if (outcome !== 'reconsumeLater' || orderly) await report?.decided(message, outcome);
    else if (messageModel === 'broadcasting') await report?.decided(message, 'dropped');
  }

  /** A message that was tried in place is tried no more. */
  gaveUp(): void {
    this.given++;
    this.#endWhenEnough();
  }

  #endWhenEnough(): void {
    if (this.given >= this.#options.count && this.#underWay === 0) this.#end.abort();
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** A broker makes it when a consumer first says that it is there. [ClientManageProcessor#heartBeat] */
async function makeRetryTopic(broker: Broker, group: string): Promise<void> {
  const topic = retryTopicOf(group);
  if ((await broker.listTopics()).some((config) => config.topic === topic)) return;
  const queues = (await broker.listGroups()).find((config) => config.group === group)?.retryQueueNums ?? 1;
  await broker.createTopic(topic, { readQueueNums: Math.max(1, queues), writeQueueNums: Math.max(1, queues) });
}

function sentBackText({ topic }: Message, { topic: storedIn, reconsumeTimes, isDead }: SendBackResult): string {
  if (storedIn === null) return 'failed and is dropped: its group keeps no retries (retryQueueNums 0)';
  const times = `${isRetryTopic(topic) ? 'failed again' : 'failed'}, ${reconsumeTimes === 1 ? 'the first time' : `${reconsumeTimes} times now`}`;
  return isDead ? `${times}: dead, in ${storedIn}` : `${times}: comes again later`;
}
