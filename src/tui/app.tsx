import { useLayoutEffect, useSyncExternalStore } from 'react';
import { useInput } from 'ink';
import { keyNames } from './input.ts';
import type { Session } from './session.ts';

export interface AppProps {
  readonly session: Session;
  /** Puts finished lines on the screen. */
  readonly paint: (lines: readonly string[]) => void;
}

/**
 * All that ink does: it reads keys, and mounts and unmounts the view. Lines are as wide as the screen when they come here and go to it as they are: ink would
 * take them apart into characters, lay these out and join them again, 40 ms a frame where there are 160 columns and 50 rows.
 */
export function App({ session, paint }: AppProps): null {
  const lines = useSyncExternalStore(session.subscribe, session.lines);
  useLayoutEffect(() => paint(lines), [lines, paint]);
  useInput((input, key) => {
    for (const name of keyNames(input, key)) session.dispatch({ type: 'key', key: name });
  });
  return null;
}
