import { memo, useSyncExternalStore } from 'react';
import { Box, Text, useInput } from 'ink';
import { keyNames } from './input.ts';
import type { Session } from './session.ts';

/** All that ink does: it reads keys and mounts the lines of the screen. What is on them is decided elsewhere. */
export function App({ session }: { readonly session: Session }) {
  const lines = useSyncExternalStore(session.subscribe, session.lines);
  useInput((input, key) => {
    for (const name of keyNames(input, key)) session.dispatch({ type: 'key', key: name });
  });
  return (
    <Box flexDirection="column">
      {lines.map((line, row) => <Row key={row} text={line} />)}
    </Box>
  );
}

/** Lines that have not changed are not laid out again. An empty one would take no row. */
const Row = memo(({ text }: { readonly text: string }) => <Text wrap="truncate-end">{text === '' ? ' ' : text}</Text>);
