import { readFileSync } from 'node:fs';
import type { CommandSpec } from '../../../src/shell/command-spec.ts';
import { commandSpecs } from '../../../src/cli/shell/command-specs.ts';

const { commands } = JSON.parse(readFileSync(new URL('../../../oclif.manifest.json', import.meta.url), 'utf8')) as { commands: Record<string, never> };

/** The commands as the committed manifest has them. */
export const SPECS: readonly CommandSpec[] = commandSpecs({ commands: Object.values(commands) });
