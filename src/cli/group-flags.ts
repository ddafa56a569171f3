import { Flags } from '@oclif/core';

/** Flags of `consume --group`. */
export const groupFlags = {
  mode: Flags.string({ description: 'push: read ahead and commit at intervals; pull: commit each batch as soon as it is printed', options: ['push', 'pull'], default: 'push' }),
  broadcast: Flags.boolean({ description: 'every process gets every message, and keeps its own offsets' }),
  instance: Flags.string({ description: 'whose offsets those are, with --broadcast (DEFAULT)', helpValue: 'NAME' }),
  orderly: Flags.boolean({ description: 'one message of a queue at a time, in order, also when the queue moves to another process' }),
  concurrency: Flags.integer({ description: 'messages consumed at a time (1)', min: 1, max: 1000, helpValue: 'N' }),
};
