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
  readonly checkpoint: string;
  readonly abort: string;
  readonly lock: string;
  readonly config: string;
  readonly topics: string;
  readonly subscriptionGroups: string;
  readonly consumerOffsets: string;
  readonly delayOffsets: string;
  readonly mqlite: string;
  readonly identity: string;
  readonly state: string;
  readonly writeLock: string;
  readonly attachLock: string;
  readonly indexLock: string;
  readonly servicesLock: string;
  readonly groups: string;
  readonly broadcast: string;
  /** Decisions about many half messages that are being carried out. */
  readonly transactions: string;
  readonly deletedTopics: string;
  readonly offsetResets: string;
  readonly offsetShadow: string;
  readonly deliveryProgress: string;
  readonly timerWheel: string;
  readonly timerLog: string;
  readonly timerCheck: string;
  /** Files in the making; on the same file system as the store, so that a rename puts them in place. */
  readonly temp: string;
  /** The same for the commit log: a broker skips directories inside commitlog/ [MappedFileQueue#doLoad], so a log on another disk has its own. */
  readonly commitLogTemp: string;
  /** What could not be read is kept here. */
  readonly quarantine: string;
}

/** @param commitLogDirectory for a log kept elsewhere (`storePathCommitLog`); `<root>/commitlog` otherwise. */
export const storePaths = (storeDirectory: string, commitLogDirectory?: string): StorePaths => {
  const root = path.resolve(storeDirectory);
  const config = path.join(root, 'config');
  const mqlite = path.join(root, 'mqlite');
  const temp = path.join(mqlite, 'tmp');
  const commitLog = commitLogDirectory === undefined ? path.join(root, 'commitlog') : path.resolve(commitLogDirectory);
  return {
    root,
    commitLog,
    consumeQueue: path.join(root, 'consumequeue'),
    batchConsumeQueue: path.join(root, 'batchconsumequeue'),
    index: path.join(root, 'index'),
    checkpoint: path.join(root, 'checkpoint'),
    abort: path.join(root, 'abort'),
    lock: path.join(root, 'lock'),
    config,
    topics: path.join(config, 'topics.json'),
    subscriptionGroups: path.join(config, 'subscriptionGroup.json'),
    consumerOffsets: path.join(config, 'consumerOffset.json'),
    delayOffsets: path.join(config, 'delayOffset.json'),
    mqlite,
    identity: path.join(mqlite, 'store.json'),
    state: path.join(mqlite, 'state'),
    writeLock: path.join(mqlite, 'write.lock'),
    attachLock: path.join(mqlite, 'attach.lock'),
    indexLock: path.join(mqlite, 'index.lock'),
    servicesLock: path.join(mqlite, 'services.lock'),
    groups: path.join(mqlite, 'groups'),
    broadcast: path.join(mqlite, 'broadcast'),
    transactions: path.join(mqlite, 'transactions'),
    deletedTopics: path.join(mqlite, 'deleted-topics.json'),
    offsetShadow: path.join(mqlite, 'consumerOffset.json'),
    deliveryProgress: path.join(mqlite, 'delivery.json'),
    timerWheel: path.join(root, 'timerwheel'),
    timerLog: path.join(root, 'timerlog'),
    timerCheck: path.join(config, 'timercheck'),
    offsetResets: path.join(mqlite, 'offset-resets.json'),
    temp,
    commitLogTemp: commitLogDirectory === undefined ? temp : path.join(commitLog, '.mqlite-tmp'),
    quarantine: path.join(mqlite, 'quarantine'),
  };
};
