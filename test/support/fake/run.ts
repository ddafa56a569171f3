import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Config, Plugin } from '@oclif/core';
import type { Command, Interfaces } from '@oclif/core';
import { systemClock } from '../../../src/base/clock.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import { BaseCommand } from '../../../src/cli/base-command.ts';
import type { HostInput, HostOutput, OpenRequest } from '../../../src/cli/host.ts';
import { FakeBroker } from '../fake-broker.ts';
import type { FakeStore } from '../fake-broker.ts';

export interface RunOptions {
  /** What the command finds when it opens its target; a fresh one otherwise. */
  readonly store?: FakeStore | undefined;
  /** In place of a fake over `store`. */
  readonly open?: ((request: OpenRequest) => Promise<Broker>) | undefined;
  readonly stdin?: string | undefined;
  /** stdin, stdout and stderr are terminals. */
  readonly tty?: boolean | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Where profiles live; a fresh directory otherwise. */
  readonly configDirectory?: string | undefined;
  readonly clock?: Clock | undefined;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** stdout as the JSON document it must be. */
  readonly json: unknown;
  /** How the target was opened, once per time. */
  readonly requests: readonly OpenRequest[];
}

/** Any command class of src/commands; their type parameters differ. */
// oxlint-disable-next-line typescript/no-explicit-any -- oclif's own Command.Class is invariant in its config
export type CommandClass = { new (argv: string[], config: any): Command };

/** Runs one command in this process over the fake, with streams and environment of its own. */
export async function runCommand(command: CommandClass, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const stdout = new Collector(options.tty === true);
  const stderr = new Collector(options.tty === true);
  const requests: OpenRequest[] = [];
  let exitCode = 0;
  const before = BaseCommand.host;
  const stdin = Object.assign(Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]), { isTTY: options.tty === true });
  BaseCommand.host = {
    stdin: stdin as HostInput,
    stdout, stderr,
    env: options.env ?? {},
    clock: options.clock ?? systemClock,
    openBroker: async (request) => {
      requests.push(request);
      if (options.open !== undefined) return options.open(request);
      return new FakeBroker({ store: options.store, mode: request.mode, target: request.target.kind === 'local' ? request.target.directory : request.target.addresses.join(';') });
    },
    setExitCode: (code) => {
      exitCode = code;
    },
    exit: (code) => {
      exitCode = code;
    },
    onSignal: () => () => undefined,
  };
  try {
    const instance = new command([...argv], await testConfig(options.configDirectory));
    await (instance as unknown as { _run(): Promise<unknown> })._run();
  } finally {
    BaseCommand.host = before;
  }
  return {
    stdout: stdout.text, stderr: stderr.text, exitCode, requests,
    get json() {
      return JSON.parse(stdout.text) as unknown;
    },
  };
}

/** The document that a failed command printed on stderr under --json. */
export function errorOf(result: RunResult): { readonly code: string; readonly exitCode: number; readonly message: string; readonly hint: string | null } {
  const line = result.stderr.trim().split('\n').at(-1)!;
  return (JSON.parse(line) as { error: ReturnType<typeof errorOf> }).error;
}

const root = new URL('../../../', import.meta.url).pathname;

/** A config that knows no commands: the class is given, nothing has to be found. */
async function testConfig(configDirectory: string | undefined): Promise<Config> {
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Interfaces.PJSON;
  const plugin = new Plugin({ isRoot: true, root, pjson: { ...pjson, oclif: { ...pjson.oclif, commands: undefined } }, ignoreManifest: true });
  await plugin.load();
  const config = new Config({ root, plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
  const directory = configDirectory ?? mkdtempSync(join(tmpdir(), 'mqlite-config-'));
  config.configDir = directory;
  config.dataDir = join(directory, 'data');
  return config;
}

class Collector implements HostOutput {
  readonly isTTY: boolean;
  readonly columns = 120;
  text = '';

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(chunk: string | Uint8Array): boolean {
    this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  }

  once(): void {}
  on(): void {}
  off(): void {}
}
