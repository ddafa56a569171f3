export interface EnvironmentVariable {
  readonly name: string;
  readonly meaning: string;
}

/** Every variable that mqlite reads, for the man page. A test holds it to the code. */
export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  { name: 'MQLITE_PROFILE', meaning: 'the profile to use when no flag names a target; goes before MQLITE_STORE' },
  { name: 'MQLITE_STORE', meaning: 'the store directory to work on when neither a flag nor MQLITE_PROFILE names a target; goes before MQLITE_NAMESRV' },
  { name: 'MQLITE_NAMESRV', meaning: 'name servers of the cluster to work on, as `--namesrv` takes them; goes before the profile of `profile use`' },
  { name: 'MQLITE_ACCESS_KEY', meaning: 'the user as whom requests to a cluster are signed, where the profile has none' },
  { name: 'MQLITE_SECRET_KEY', meaning: 'the secret of that user' },
  { name: 'MQLITE_SECURITY_TOKEN', meaning: 'a token that goes with a temporary access key' },
  { name: 'NAMESRV_ADDR', meaning: "the Java clients' variable: it never chooses the target, mqlite only says that it is set" },
  { name: 'NO_COLOR', meaning: 'no colours, whatever its value, unless that is empty' },
  { name: 'TERM', meaning: 'no colours where it is `dumb`' },
  { name: 'LC_ALL', meaning: 'bars are drawn with block characters where it names UTF-8, or where it is not set and LC_CTYPE does' },
  { name: 'LC_CTYPE', meaning: 'the same, where LC_ALL is not set' },
  { name: 'LANG', meaning: 'the same, where neither LC_ALL nor LC_CTYPE is set' },
  { name: 'MQLITE_CONFIG_DIR', meaning: 'where the profiles are, instead of `$XDG_CONFIG_HOME/mqlite`' },
  { name: 'MQLITE_DATA_DIR', meaning: 'where the default store is, instead of `$XDG_DATA_HOME/mqlite`' },
  { name: 'XDG_CONFIG_HOME', meaning: '`~/.config` when it is not set' },
  { name: 'XDG_DATA_HOME', meaning: '`~/.local/share` when it is not set' },
  { name: 'XDG_CACHE_HOME', meaning: '`~/.cache` when it is not set; on macOS `~/Library/Caches`' },
  { name: 'MQLITE_NO_CODE_CACHE', meaning: 'set: mqlite is compiled anew at each start, and nothing is written to the cache' },
];

/** What a command of `--exec` and `--check` finds in its environment (`messageEnvironment`). */
export const EXEC_ENVIRONMENT: readonly EnvironmentVariable[] = [
  { name: 'MQ_TOPIC', meaning: 'topic of the message; of a retried one the topic it was sent to first' },
  { name: 'MQ_MSG_ID', meaning: "the client's unique id, or the broker's offset id where there is none" },
  { name: 'MQ_TAGS', meaning: 'its tag, or nothing' },
  { name: 'MQ_KEYS', meaning: 'its keys, separated by spaces' },
  { name: 'MQ_QUEUE_ID', meaning: 'queue it was read from' },
  { name: 'MQ_QUEUE_OFFSET', meaning: 'its offset in that queue' },
  { name: 'MQ_RECONSUME_TIMES', meaning: 'how often it came again' },
  { name: 'MQ_PROPERTY_<NAME>', meaning: 'each of its properties; characters of the name that no variable can have become `_`' },
];

/** Files outside of a store that mqlite reads or keeps. */
export const FILES: readonly { readonly path: string; readonly meaning: string }[] = [
  { path: '~/.config/mqlite/profiles.json', meaning: 'the profiles; its owner alone may read it when it holds a secret' },
  { path: '~/.local/share/mqlite/store', meaning: 'the store when nothing names another target' },
  { path: '~/.local/share/mqlite/broadcast', meaning: 'offsets of broadcasting groups of clusters' },
  { path: '~/.local/share/mqlite/redrive', meaning: 'what was redriven on clusters; of a store that is in the store' },
  { path: '~/.local/share/mqlite/transactions', meaning: 'decisions of `produce --transaction` on clusters that are not carried out yet' },
  { path: '~/.cache/mqlite', meaning: 'compiled code, for a faster start; may be removed at any time' },
];
