import { MqliteError } from '../broker/errors.ts';

/** What may vanish between two questions, and is then just not there. */
const GONE: ReadonlySet<string> = new Set(['TOPIC_NOT_FOUND', 'GROUP_NOT_FOUND', 'NOT_FOUND']);
/** Questions under way at once: each may be several requests to a broker that has other work. */
const AT_ONCE = 8;

/** null: it is gone. Any other error goes on. */
export async function unlessGone<T>(question: () => Promise<T>): Promise<T | null> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof MqliteError && GONE.has(error.code)) return null;
    throw error;
  }
}

/** The answers in order, a few asked for at once; none are begun after the signal. */
export async function inParallel<T, R>(items: readonly T[], signal: AbortSignal, ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const index = next++;
      answers[index] = await ask(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  // Without the holes that an abort leaves.
  return answers.filter((_, index) => index in answers);
}

/** Whose turn it is to be looked at, at most so many: what never was, then what was longest ago. */
export function inTurn(names: readonly string[], lookedAtMs: (name: string) => number | undefined, most: number): string[] {
  return names.map((name, index) => ({ name, index, at: lookedAtMs(name) ?? -Infinity }))
    .sort((left, right) => (left.at === right.at ? left.index - right.index : left.at - right.at))
    .slice(0, most).map(({ name }) => name);
}
