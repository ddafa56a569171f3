import type { Panel } from '../panel.ts';
import { deadLettersPanel } from './dead-letters.ts';
import { delayedPanel } from './delayed.ts';
import { groupsPanel } from './groups.ts';
import { halfMessagesPanel } from './half-messages.ts';
import { queuesPanel } from './queues.ts';

/** The views that are tables, in the order of their keys. */
// oxlint-disable-next-line typescript/no-explicit-any -- each has a snapshot of its own, which only it looks into
export const PANELS: readonly Panel<any>[] = [queuesPanel, groupsPanel, delayedPanel, deadLettersPanel, halfMessagesPanel];
