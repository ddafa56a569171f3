import path from 'node:path';

/**
 * Every path of a store, in one place. What RocketMQ knows has its names [StorePathConfigHelper, BrokerPathConfigHelper];
 * what is ours alone lives under `mqlite/`, which a broker ignores.
 */
export interface StorePaths {
  readonly root: string;
  readonly commitLog: string;
  readonly consumeQueue: string;
  readonly batchConsumeQueue: string;
  readonly index: string;
  readonly config: string;
  readonly checkpoint: string;
  readonly abort: string;
  readonly lock: string;
  readonly own: string;
  readonly ownTemp: string;
  /** Files grow to their full length here before they appear in the log by rename: on the log's own file system. */
  readonly commitLogTemp: string;
  readonly quarantine: string;
  readonly state: string;
  readonly writeLock: string;
  readonly attachLock: string;
  readonly indexLock: string;
  readonly groups: string;
  configFile(name: string): string;
  queueDirectory(topic: string, queueId: number): string;
}

export const storePaths = (storeDirectory: string, commitLogDirectory?: string): StorePaths => {
  const root = path.resolve(storeDirectory);
  const own = path.join(root, 'mqlite');
  const commitLog = commitLogDirectory === undefined ? path.join(root, 'commitlog') : path.resolve(commitLogDirectory);
  const consumeQueue = path.join(root, 'consumequeue');
  const config = path.join(root, 'config');
  return {
    root,
    commitLog,
    consumeQueue,
    batchConsumeQueue: path.join(root, 'batchconsumequeue'),
    index: path.join(root, 'index'),
    config,
    checkpoint: path.join(root, 'checkpoint'),
    abort: path.join(root, 'abort'),
    lock: path.join(root, 'lock'),
    own,
    ownTemp: path.join(own, 'tmp'),
    // A broker skips directories inside commitlog/ [MappedFileQueue#doLoad], so a log on another disk has its own.
    commitLogTemp: commitLogDirectory === undefined ? path.join(own, 'tmp') : path.join(commitLog, '.mqlite-tmp'),
    quarantine: path.join(own, 'quarantine'),
    state: path.join(own, 'state'),
    writeLock: path.join(own, 'write.lock'),
    attachLock: path.join(own, 'attach.lock'),
    indexLock: path.join(own, 'index.lock'),
    groups: path.join(own, 'groups'),
    configFile: (name) => path.join(config, name),
    queueDirectory: (topic, queueId) => path.join(consumeQueue, topic, String(queueId)),
  };
};

/** A file of a mapped-file queue: its start offset in 20 decimal digits [UtilAll#offset2FileName]. */
export const offsetFileName = (offset: number): string => String(offset).padStart(20, '0');
