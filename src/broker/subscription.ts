import { MqliteError } from './errors.ts';
import type { MemberCard, MessageFilter } from './types.ts';

/** A filter as text, to show it and to compare it; `*` for none. */
export function filterText(filter: MessageFilter | undefined): string {
  const parts = Object.entries(filter ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return parts.length === 0 ? '*' : parts.map(([kind, text]) => (kind === 'tags' ? text : `${kind} ${text}`)).join(' ');
}

type Traits = Pick<MemberCard, 'clientId' | 'group' | 'subscriptions' | 'messageModel' | 'allocate' | 'orderly' | 'queueId'> & { readonly pid: number | null };

/**
 * Members of a group must agree on what they read and on who reads what, or messages would be lost to the group, or go to nobody.
 * Error: REFUSED, naming both.
 */
export function refuseDisagreement(mine: Traits, living: readonly Traits[]): void {
  for (const other of living) {
    const difference = disagreement(mine, other);
    if (difference === null) continue;
    throw new MqliteError('REFUSED', `group ${mine.group}: ${difference(`${mine.clientId} (this one)`, `${other.clientId} (process ${other.pid ?? 'unknown'})`)}`, {
      hint: 'All live members of a group must agree; use another --group for what differs.',
    });
  }
}

type Sentence = (mine: string, other: string) => string;

function disagreement(mine: Traits, other: Traits): Sentence | null {
  if (mine.messageModel !== other.messageModel) return (me, them) => `${them} is ${other.messageModel}, ${me} would be ${mine.messageModel}`;
  for (const { topic, filter } of mine.subscriptions) {
    const theirs = other.subscriptions.find((subscription) => subscription.topic === topic);
    if (theirs !== undefined && theirs.filter !== filter) return (me, them) => `${them} filters ${topic} by "${theirs.filter}", ${me} by "${filter}"`;
  }
  if (mine.messageModel === 'broadcasting') return null;
  if (mine.allocate !== other.allocate) return (me, them) => `${them} shares out queues by ${other.allocate}, ${me} by ${mine.allocate}`;
  // A queue moves from one to the other: whoever does not keep order would lose it for all of them.
  if (mine.orderly !== other.orderly) return (me, them) => `${them} ${orderText(other.orderly)}, ${me} ${orderText(mine.orderly)}`;
  if (mine.queueId !== other.queueId) return (me, them) => `${them} reads ${queueText(other.queueId)}, ${me} ${queueText(mine.queueId)}`;
  return null;
}

const orderText = (orderly: boolean): string => (orderly ? 'keeps the order of each queue (--orderly)' : 'does not keep the order of each queue');

const queueText = (queueId: number | null): string => (queueId === null ? 'every queue' : `queue ${queueId} only`);
