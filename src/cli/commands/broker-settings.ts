import { MqliteError } from '../../broker/errors.ts';
import { suggestion } from '../did-you-mean.ts';

/** One setting of a plan. */
export interface PlannedSetting {
  readonly name: string;
  readonly value: string;
  readonly newValue: string;
}

export interface BrokerConfigJson {
  readonly brokerName: string;
  readonly brokerId: number;
  readonly address: string;
  readonly config: Readonly<Record<string, string>>;
}

export interface BrokerConfigSetJson {
  /** The cluster. */
  readonly target: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly address: string;
  readonly executed: boolean;
  /** The settings were read back and are as planned; null when nothing was executed. */
  readonly verified: boolean | null;
  readonly settings: readonly PlannedSetting[];
}

/** Those named, or all, by name. Error: NOT_FOUND for a name that the broker does not have. */
export function chosenSettings(config: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  for (const name of names) requireSetting(config, name);
  const chosen = names.length === 0 ? Object.keys(config) : [...new Set(names)];
  return Object.fromEntries(chosen.sort().map((name) => [name, config[name]!]));
}

/** What `NAME=VALUE` pairs would change, those left out that are so already. Errors: USAGE for no pair, a name given twice, a value of another kind than the present one; NOT_FOUND for a name that the broker does not have. */
export function planSettings(config: Readonly<Record<string, string>>, pairs: readonly string[]): PlannedSetting[] {
  const planned = new Map<string, PlannedSetting>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new MqliteError('USAGE', `"${pair}" is no setting`, { hint: 'Write NAME=VALUE, for example flushDiskType=SYNC_FLUSH.' });
    const name = pair.slice(0, at);
    if (planned.has(name)) throw new MqliteError('USAGE', `${name} is given twice`, { hint: 'Give it once.' });
    requireSetting(config, name);
    const setting = { name, value: config[name]!, newValue: pair.slice(at + 1) };
    requireSameKind(setting);
    planned.set(name, setting);
  }
  return [...planned.values()].filter(({ value, newValue }) => !isSame(value, newValue));
}

/** A broker takes some settings only at its start, refuses some values silently, and rewrites others. Error: VERDICT for one that is not as planned. */
export function checkSettings(config: Readonly<Record<string, string>>, settings: readonly PlannedSetting[]): void {
  const wrong = settings.find(({ name, newValue }) => !isSame(config[name] ?? '', newValue));
  if (wrong === undefined) return;
  throw new MqliteError('VERDICT', `the broker has ${wrong.name}=${config[wrong.name] ?? ''} after it was told ${wrong.newValue}`, { hint: 'Is that a value which this setting can have?' });
}

/** Texts, whatever their present value looks like: hours (`04;16`) and names. [MessageStoreConfig] [BrokerConfig] [AuthConfig] */
const TEXTS: ReadonlySet<string> = new Set([
  'brokerClusterName', 'brokerName', 'clusterName', 'configName', 'dLegerGroup', 'dLegerSelfId', 'deleteWhen', 'preferredLeaderId', 'regionId', 'timerCheckMetricsWhen',
]);
const FRACTION = /^-?\d+\.\d+(E-?\d+)?$/;
const KINDS: readonly { readonly name: string; readonly present: RegExp; readonly accepted: RegExp }[] = [
  { name: 'true or false', present: /^(true|false)$/, accepted: /^(true|false)$/ },
  { name: 'a whole number', present: /^-?\d+$/, accepted: /^-?\d{1,19}$/ },
  { name: 'a number', present: FRACTION, accepted: /^-?\d+(\.\d+)?(E-?\d+)?$/ },
];

/** A broker passes over a number that it cannot read, takes every word but "true" for false, and says that all went well. [MixAll#properties2Object] Error: USAGE. */
function requireSameKind({ name, value, newValue }: PlannedSetting): void {
  const kind = TEXTS.has(name) ? undefined : KINDS.find(({ present }) => present.test(value));
  if (kind === undefined || kind.accepted.test(newValue)) return;
  throw new MqliteError('USAGE', `${name}=${newValue}: ${name} is ${kind.name} (now ${value}); nothing was changed`);
}

/** A fraction is written as Java writes it: `1.0`, `5.0E-4`. */
const isSame = (value: string, newValue: string): boolean => value === newValue || (FRACTION.test(value) && newValue !== '' && Number(value) === Number(newValue));

function requireSetting(config: Readonly<Record<string, string>>, name: string): void {
  if (Object.hasOwn(config, name)) return;
  throw new MqliteError('NOT_FOUND', `the broker has no setting "${name}"`, { hint: suggestion(name, Object.keys(config)) ?? 'List them with "mqlite broker config get BROKER".' });
}
