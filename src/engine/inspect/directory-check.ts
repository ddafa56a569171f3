import { basename, join } from 'node:path';
import { inspectSegmentDirectory } from '../commit-log/log-directory.ts';
import type { DirectoryOddity } from '../commit-log/log-directory.ts';
import { listPhantomQueues, listQueueTopics } from '../consume-queue/queue-directory.ts';
import { bakPath, readConfig } from '../state/config-file.ts';
import { readCheckpoint } from '../state/checkpoint.ts';
import type { DamageFamily, Findings, StoreDamage } from './findings.ts';
import { isBatchTopic } from './store-view.ts';
import type { StoreView } from './store-view.ts';

/** Two days of seconds, twice: the same for every broker. [TimerMessageStore] [TimerWheel] */
const TIMER_WHEEL_BYTES = 38_707_200;

/** Files of `config/` that a broker parses as JSON at start. [BrokerPathConfigHelper] */
export const CONFIG_FILES = [
  'topics.json', 'topicQueueMapping.json', 'consumerOffset.json', 'lmqConsumerOffset.json', 'subscriptionGroup.json', 'consumerFilter.json',
  'consumerOrderInfo.json', 'delayOffset.json', 'messageRequestMode.json', 'timermetrics', 'transactionMetrics',
] as const;

const fileDamage = (family: DamageFamily, file: string, position: number, reason: string): StoreDamage => ({
  family, queue: null, queueOffset: null, commitLogOffset: -1, file, position, reason,
});

/** Adds what is odd about the files of one directory. Gaps in the log are left to the scan, which knows what they hold. */
export const addOddities = (findings: Findings, oddities: readonly DirectoryOddity[], expectedBytes: number | null, ignoreGaps: boolean): void => {
  for (const oddity of oddities) {
    if (oddity.kind === 'empty-last') findings.note(`${oddity.path}: ${oddity.reason}`);
    else if (oddity.kind !== 'gap' || !ignoreGaps) {
      const repair = oddity.kind === 'foreign-name' ? 'move-aside' : oddity.kind === 'wrong-size' ? 'resize' : 'none';
      findings.add({
        kind: 'file', path: oddity.path, repair, expectedBytes,
        damage: fileDamage('directory', oddity.path, Math.min(oddity.sizeBytes, expectedBytes ?? 0), oddity.reason),
      });
    }
  }
};

/** Everything that can be told from names, lengths and the small files: P1 to P5. */
export const checkDirectories = (view: StoreView, findings: Findings): void => {
  addOddities(findings, view.log.oddities, view.log.fileSizeBytes, true);
  const timerLog = inspectSegmentDirectory(view.fs, join(view.paths.root, 'timerlog'));
  addOddities(findings, timerLog.oddities, timerLog.fileSizeBytes, true);
  checkTimerWheel(view, findings);
  for (const path of listPhantomQueues(view.fs, view.paths.root)) {
    findings.add({
      kind: 'file', path, repair: 'move-aside', expectedBytes: null,
      damage: fileDamage('directory', path, 0, 'a file where a queue directory should be: a broker takes it for an empty queue'),
    });
  }
  checkQueueTypes(view, findings);
  checkConfig(view, findings);
  checkCheckpoint(view, findings);
};

const checkTimerWheel = (view: StoreView, findings: Findings): void => {
  const path = join(view.paths.root, 'timerwheel');
  const stat = view.fs.stat(path);
  if (stat === null || stat.isDirectory || stat.sizeBytes === TIMER_WHEEL_BYTES) return;
  findings.add({
    kind: 'file', path, repair: 'move-aside', expectedBytes: TIMER_WHEEL_BYTES,
    damage: fileDamage('timer', path, Math.min(stat.sizeBytes, TIMER_WHEEL_BYTES), `${stat.sizeBytes} bytes long instead of ${TIMER_WHEEL_BYTES}: a broker refuses to start`),
  });
};

/** topics.json and the directory a topic's queues lie in must agree, or a broker refuses to start (P3). */
const checkQueueTypes = (view: StoreView, findings: Findings): void => {
  const disagree = (directory: string, topic: string, reason: string): void => {
    const path = join(directory, topic);
    findings.add({ kind: 'file', path, repair: 'none', expectedBytes: null, damage: fileDamage('directory', path, 0, reason) });
  };
  for (const topic of listQueueTopics(view.fs, view.paths.root, 'simple')) {
    if (isBatchTopic(view, topic)) disagree(view.paths.consumeQueue, topic, 'topics.json says queue.type=BatchCQ: a broker refuses to start');
  }
  for (const topic of listQueueTopics(view.fs, view.paths.root, 'batch')) {
    if (!isBatchTopic(view, topic)) disagree(view.paths.batchConsumeQueue, topic, 'topics.json does not say queue.type=BatchCQ: a broker refuses to start');
  }
};

const checkConfig = (view: StoreView, findings: Findings): void => {
  const paths = CONFIG_FILES.map((name) => join(view.paths.config, name));
  for (const path of [...paths, join(view.paths.root, 'compaction', 'position-checkpoint')]) {
    const read = readConfig(view.fs, path);
    read.damagedPaths.forEach((damaged, index) => {
      const reason = (read.reasons[index] ?? 'cannot be parsed').replace(`${damaged}: `, '');
      if (damaged === bakPath(path) && read.source === 'main') findings.note(`${damaged} cannot be parsed (${reason}); ${basename(path)} itself is fine`);
      else findings.add({ kind: 'config', path: damaged, hasBak: read.source === 'bak', damage: fileDamage('config', damaged, 0, `cannot be parsed: ${reason}`) });
    });
    if (read.case === 'bak-for-empty-main' || read.case === 'emptied') findings.note(`${path} is empty`);
  }
  if (view.deletedTopicsProblem !== null) {
    findings.add({
      kind: 'config', path: view.paths.deletedTopics, hasBak: false,
      damage: fileDamage('config', view.paths.deletedTopics, 0, `cannot be parsed: ${view.deletedTopicsProblem}`),
    });
  }
};

const checkCheckpoint = (view: StoreView, findings: Findings): void => {
  const { case: found } = readCheckpoint(view.fs, view.paths.checkpoint);
  if (found === 'implausible' || found === 'short') {
    findings.add({
      kind: 'file', path: view.paths.checkpoint, repair: 'move-aside', expectedBytes: null,
      damage: fileDamage('checkpoint', view.paths.checkpoint, 0, found === 'short' ? 'shorter than 4096 bytes' : 'holds a number that nobody writes'),
    });
  }
};
