import { resolve } from 'node:path';
import { Command, Flags } from '@oclif/core';
import type { Interfaces } from '@oclif/core';
import type { Broker } from '../broker/broker.ts';
import { ERROR_TABLE, MqliteError } from '../broker/errors.ts';
import type { TlsPaths } from './access.ts';
import { describeError, errorJson, errorText } from './error-report.ts';
import { SIGNAL_EXIT_CODES } from './exit-codes.ts';
import type { Host, OpenRequest, StopSignal } from './host.ts';
import { systemHost } from './host.ts';
import { Output } from './output.ts';
import { loadProfiles } from './profiles.ts';
import { wantsColor } from './render/color.ts';
import type { Progress } from './render/progress.ts';
import { escapeControlInJson } from '../text/escape.ts';
import type { HistogramStyle } from '../text/histogram.ts';
import { toJson } from '../text/json.ts';
import { isUtf8Locale } from '../text/locale.ts';
import type { TableStyle } from './render/table.ts';
import { refuseInexactNumbers, refuseValuesOfSwitches } from './parse-failure.ts';
import { describeTarget, resolveTarget } from './target.ts';
import type { ResolvedTarget, Target } from './target.ts';
import type { SettingValues } from './settings.ts';
import { argsUsage } from './usage.ts';
import { parseDuration } from '../text/time.ts';

const GROUP = 'GLOBAL';
/** How long a command may go on tidying up after the first signal, in ms. */
const STOP_GRACE_MS = 10_000;
/** A bar gains nothing by being longer. */
const MOST_DRAWN_COLUMNS = 100;

export type CommandFlags<T extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>;
export type CommandArgs<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

export interface OpenOptions {
  readonly mode: 'read' | 'write';
  /** write only: make the store directory when it does not exist. */
  readonly create?: boolean | undefined;
  readonly flush?: 'async' | 'sync' | undefined;
}

/**
 * What every command has: the global flags, the target, data on stdout and all else on stderr, errors as one line with the exit
 * code of the error table, signals and closed pipes. A command parses, makes one call and renders; it returns its data.
 */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = false;
  /** The command that the settings given must have an effect in, as the table of settings has it; `any`: it shows or keeps those of others. */
  static settingsOf = 'no command';
  /** The outside world; tests put their own here. */
  static host: Host = systemHost;

  static override baseFlags = {
    store: Flags.string({ description: 'store directory to work on', helpGroup: GROUP, helpValue: 'DIR' }),
    namesrv: Flags.string({ description: 'name servers of the cluster to work on', helpGroup: GROUP, helpValue: 'HOST:PORT[;HOST:PORT]' }),
    profile: Flags.string({ description: 'named target of "mqlite profile"', helpGroup: GROUP, helpValue: 'NAME' }),
    'commitlog-dir': Flags.string({ description: 'commit log kept outside the store directory', helpGroup: GROUP, helpValue: 'DIR' }),
    tls: Flags.boolean({ description: 'talk TLS to the cluster', helpGroup: GROUP }),
    'tls-ca': Flags.string({ description: 'certificates of the authorities to trust (PEM); means --tls', helpGroup: GROUP, helpValue: 'FILE' }),
    'tls-cert': Flags.string({ description: 'certificate of this client (PEM); means --tls', helpGroup: GROUP, helpValue: 'FILE' }),
    'tls-key': Flags.string({ description: 'its private key (PEM); means --tls', helpGroup: GROUP, helpValue: 'FILE' }),
    json: Flags.boolean({ description: 'JSON on stdout; errors as one JSON line on stderr', helpGroup: GROUP }),
    'no-color': Flags.boolean({ description: 'no colours (also NO_COLOR)', helpGroup: GROUP }),
    quiet: Flags.boolean({ char: 'q', description: 'nothing on stderr but errors', helpGroup: GROUP }),
    verbose: Flags.boolean({ char: 'v', description: 'more on stderr; the stack of an unexpected error', helpGroup: GROUP }),
    'read-only': Flags.boolean({ description: 'refuse whatever would write', helpGroup: GROUP }),
    'lock-timeout': Flags.string({ description: 'how long to wait for a store locked by another mqlite', default: '5s', helpGroup: GROUP, helpValue: 'DURATION' }),
    set: Flags.string({ char: 'X', description: 'client setting, see "mqlite config"', multiple: true, multipleNonGreedy: true, helpGroup: GROUP, helpValue: 'NAME=VALUE' }),
  };

  protected flags!: CommandFlags<T>;
  protected args!: CommandArgs<T>;
  /** All arguments, of commands that take any number (`static strict = false`). */
  protected words: readonly string[] = [];
  /** Aborts at the first SIGINT or SIGTERM and when the reader of stdout has gone. */
  protected readonly stopSignal: AbortSignal;
  protected readonly host: Host = (this.constructor as typeof BaseCommand).host;
  protected readonly out: Output;
  protected readonly err: Output;
  readonly #stop = new AbortController();
  readonly #ended = new AbortController();
  #stoppedBy: StopSignal | undefined;
  #brokers: Broker[] = [];
  #stopListening: () => void = () => undefined;
  #resolved: ResolvedTarget | undefined;

  constructor(argv: string[], config: ConstructorParameters<typeof Command>[1]) {
    super(argv, config);
    this.stopSignal = this.#stop.signal;
    this.out = new Output(this.host.stdout, () => this.#stop.abort());
    this.err = new Output(this.host.stderr, () => undefined);
  }

  override async init(): Promise<void> {
    await super.init();
    if (this.heedsSignals) this.#stopListening = this.host.onSignal((signal) => this.#onSignal(signal));
    const definitions = { ...(this.ctor as typeof BaseCommand).baseFlags, ...this.ctor.flags };
    refuseValuesOfSwitches(this.argv, definitions);
    const { args, argv, flags } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: (this.ctor as typeof BaseCommand).baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
    });
    refuseInexactNumbers(flags);
    this.flags = withFalse(flags, definitions) as CommandFlags<T>;
    this.args = args as CommandArgs<T>;
    this.words = argv as string[];
    // Also where no setting has an effect: none is accepted that nobody knows.
    if (this.flags.set !== undefined) await this.checkOwnSettings(this.flags.set);
  }

  /** false: the command hands signals on to what it runs, and answers for its exit code. */
  protected get heedsSignals(): boolean {
    return true;
  }

  /** The target of this run. Errors: USAGE, NOT_FOUND (profile). */
  protected target(): Target {
    return this.resolved().target;
  }

  /** Opens the target; closed by the base when the command ends. Notices go to stderr. */
  protected async openBroker(options: OpenOptions): Promise<Broker> {
    const { target, hint } = this.resolved();
    if (options.mode === 'write' && this.flags['read-only']) {
      throw new MqliteError('USAGE', `--read-only: "${this.id?.replaceAll(':', ' ')}" would write`, { hint: 'Leave out --read-only to let it.' });
    }
    if (hint !== undefined) this.notice(hint);
    this.detail(describeTarget(target));
    const request: OpenRequest = {
      target,
      mode: options.mode,
      create: options.create ?? false,
      lockTimeoutMs: parseDuration(this.flags['lock-timeout'], '--lock-timeout'),
      flush: options.flush,
      readOnly: this.flags['read-only'],
      clock: this.host.clock,
      dataDirectory: this.config.dataDir,
      clientSettings: await this.clientSettings(),
      env: this.host.env,
      onNotice: (notice) => this.notice(notice),
    };
    const broker = await this.host.openBroker(request);
    this.#brokers.push(broker);
    return broker;
  }

  /** The -X settings of the profile and of the flags, checked. Errors: USAGE. */
  protected async settings(): Promise<SettingValues> {
    const { settings } = this.resolved();
    return this.checkedSettings([...Object.entries(settings ?? {}).map(([name, value]) => `${name}=${value}`), ...(this.flags.set ?? [])]);
  }

  /** undefined: all by default, or a store directory. */
  private async clientSettings(): Promise<OpenRequest['clientSettings']> {
    const { target, settings } = this.resolved();
    if (target.kind === 'local' || (settings === undefined && this.flags.set === undefined)) return undefined;
    return (await import('./client-settings.ts')).clientSettings(await this.settings());
  }

  /** Those of a profile are for every command; those of a command must have an effect in it. */
  private async checkOwnSettings(pairs: readonly string[]): Promise<void> {
    await this.checkedSettings(pairs);
    const { settingsOf } = this.ctor as typeof BaseCommand;
    if (settingsOf !== 'any') (await import('./settings.ts')).refuseSettingsOfOthers(pairs, settingsOf, this.target());
  }

  private async checkedSettings(pairs: readonly string[]): Promise<SettingValues> {
    const { parseSettings } = await import('./settings.ts');
    return parseSettings(pairs);
  }

  /** One document: JSON under --json, else what `render` makes. Returns the data. */
  protected async present<D>(data: D, render: (data: D) => string | Promise<string>): Promise<D> {
    await this.out.write(this.flags.json ? `${this.jsonText(data)}\n` : await render(data));
    return data;
  }

  /** One line of JSON, fit for where it goes: on a terminal nothing in it is obeyed. */
  protected jsonText(data: unknown): string {
    return this.out.isTTY ? escapeControlInJson(toJson(data)) : toJson(data);
  }

  /** A line for the user on stderr; none under -q. */
  protected notice(text: string): void {
    if (!this.flags.quiet) void this.err.line(`mqlite: ${text}`);
  }

  /** For somebody who looks: what a list leaves out. A script asked for what it gets. */
  protected hiddenNotice(kind: string, shown: number, hidden: number): void {
    if (shown === 0) this.notice(hidden === 0 ? `no ${kind}s` : `no ${kind}s but ${hidden} hidden ${hidden === 1 ? 'one' : 'ones'}; see --all`);
    else if (hidden > 0 && this.err.isTTY) this.notice(`${hidden} more ${hidden === 1 ? kind : `${kind}s`} of RocketMQ's own: see --all`);
  }

  /** A line on stderr that -q does not silence: part of what went wrong. */
  protected warnLine(text: string): void {
    void this.err.line(`mqlite: ${text}`);
  }

  /** A line on stderr under -v. */
  protected detail(text: string): void {
    if (this.flags.verbose && !this.flags.quiet) void this.err.line(`mqlite: ${text}`);
  }

  protected get tableStyle(): TableStyle {
    return { terminal: this.out.isTTY, color: wantsColor(this.out.isTTY, this.flags['no-color'], this.host.env), widthColumns: this.out.columns || undefined };
  }

  /** Spinners and progress: stderr is a terminal and nobody asked for silence. */
  protected get wantsProgress(): boolean {
    return this.err.isTTY && !this.flags.quiet && !this.flags.json;
  }

  /** A live line on stderr, where `wantsProgress`. */
  protected async startProgress(): Promise<Progress> {
    const { startProgress } = await import('./render/progress.ts');
    return startProgress(this.wantsProgress, { out: this.err, clock: this.host.clock, unicode: isUtf8Locale(this.host.env) }, this.host.env);
  }

  /** How bars are drawn on stdout; null where nobody looks at it. */
  protected get drawing(): HistogramStyle | null {
    return this.out.isTTY ? { widthColumns: Math.min(this.out.columns || 80, MOST_DRAWN_COLUMNS), unicode: isUtf8Locale(this.host.env) } : null;
  }

  protected resolved(): ResolvedTarget {
    this.#resolved ??= resolveTarget({
      store: this.flags.store,
      namesrv: this.flags.namesrv,
      profile: this.flags.profile,
      commitLogDirectory: this.flags['commitlog-dir'],
      tls: tlsPaths(this.flags),
      env: this.host.env,
      loadProfiles: () => loadProfiles(this.config.configDir),
      dataDirectory: this.config.dataDir,
      workingDirectory: process.cwd(),
    });
    return this.#resolved;
  }

  override async catch(error: Error & { exitCode?: number; oclif?: { exit?: number } }): Promise<void> {
    // oclif warns of commands that never parsed; one whose words cannot be parsed says so itself.
    this.parsed = true;
    if (isHelpOrVersion(error)) throw error;
    const gone = this.out.closed || this.#stoppedBy !== undefined;
    if (gone && (error.name === 'AbortError' || (error instanceof MqliteError && error.code === 'VERDICT'))) return;
    this.report(error);
  }

  override async finally(error: Error | undefined): Promise<void> {
    await this.#closeBrokers();
    this.#ended.abort();
    this.#stopListening();
    if (this.#stoppedBy !== undefined) this.host.setExitCode(SIGNAL_EXIT_CODES[this.#stoppedBy]);
    await super.finally(error);
  }

  /** Prints an error and sets the exit code it has. */
  protected report(error: unknown): void {
    const flags = { ...(this.ctor as typeof BaseCommand).baseFlags, ...this.ctor.flags };
    const bugs: unknown = (this.config.pjson as { bugs?: unknown }).bugs;
    const line = { flagNames: Object.keys(flags), command: this.id?.replaceAll(':', ' '), args: argsUsage(this.ctor) };
    const description = describeError(error, line, typeof bugs === 'string' ? bugs : undefined);
    const words = this.argv.includes('--') ? this.argv.slice(0, this.argv.indexOf('--')) : this.argv;
    const json = this.flags === undefined ? words.includes('--json') : this.flags.json;
    void this.err.write(json ? `${errorJson(description)}\n` : errorText(description));
    const verbose = this.flags?.verbose ?? (words.includes('-v') || words.includes('--verbose'));
    if (verbose && error instanceof Error) this.#explain(error, description.code === 'BUG');
    this.host.setExitCode(description.exitCode);
  }

  /** Under -v: the stack of a bug; of an expected error what the system said below it. */
  #explain(error: Error, isBug: boolean): void {
    if (isBug) void this.err.line(error.stack ?? String(error));
    else if (error.cause instanceof Error && 'syscall' in error.cause) void this.err.line(`mqlite: the system said: ${error.cause.message}`);
  }

  async #closeBrokers(): Promise<void> {
    const brokers = this.#brokers;
    this.#brokers = [];
    for (const broker of brokers) {
      try {
        await broker.close();
      } catch (error) {
        this.report(error);
      }
    }
  }

  #onSignal(signal: StopSignal): void {
    const code = SIGNAL_EXIT_CODES[signal];
    if (this.#stoppedBy !== undefined) return this.host.exit(code);
    this.#stoppedBy = signal;
    this.#stop.abort();
    void this.host.clock.sleep(STOP_GRACE_MS, this.#ended.signal).then(() => {
      if (!this.#ended.signal.aborted) void this.#closeBrokers().finally(() => this.host.exit(code));
    });
  }
}

/** The files by absolute path; undefined when no flag asks for TLS. */
export function tlsPaths(flags: { readonly tls: boolean; readonly 'tls-ca'?: string | undefined; readonly 'tls-cert'?: string | undefined; readonly 'tls-key'?: string | undefined }): TlsPaths | undefined {
  const given = { ca: flags['tls-ca'], cert: flags['tls-cert'], key: flags['tls-key'] };
  const paths = Object.fromEntries(Object.entries(given).flatMap(([name, path]) => (path === undefined ? [] : [[name, resolve(path)]])));
  return flags.tls || Object.keys(paths).length > 0 ? paths : undefined;
}

/** oclif leaves out switches that were not given, though its types say otherwise: here they are false. */
function withFalse(flags: Record<string, unknown>, definitions: Readonly<Record<string, { readonly type?: string; readonly allowNo?: boolean }>>): Record<string, unknown> {
  for (const [name, { type, allowNo }] of Object.entries(definitions)) {
    if (type === 'boolean' && allowNo !== true) flags[name] ??= false;
  }
  return flags;
}

/** oclif ends --help and --version by throwing an exit of 0. */
function isHelpOrVersion(error: Error & { oclif?: { exit?: number } }): boolean {
  return error.oclif?.exit === 0;
}

/** Exit code of the verdict row, for commands that print their result and then judge it. */
export const VERDICT_EXIT_CODE = ERROR_TABLE.VERDICT.exitCode;
