import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { HostInput } from './host.ts';
import type { MessageCheck } from './open-broker.ts';
import type { Output } from './output.ts';
import type { SettingValues } from './settings.ts';

export interface ProduceFlags {
  readonly json: boolean;
  readonly file?: string | undefined;
  readonly 'json-input': boolean;
  readonly 'keep-id': boolean;
  readonly 'keep-queue': boolean;
  readonly tag?: string | undefined;
  readonly key?: string[] | undefined;
  readonly property?: string[] | undefined;
  readonly 'sharding-key'?: string | undefined;
  readonly queue?: number | undefined;
  readonly 'delay-level'?: number | undefined;
  readonly delay?: string | undefined;
  readonly 'deliver-at'?: string | undefined;
  readonly batch: number;
  readonly rate?: string | undefined;
  readonly flush?: string | undefined;
  readonly timeout?: string | undefined;
  readonly retries?: number | undefined;
  readonly 'retry-another-broker': boolean;
  readonly spool?: string | undefined;
  readonly oneway: boolean;
  readonly transaction: boolean;
  readonly check?: string | undefined;
  readonly group?: string | undefined;
  readonly 'in-flight'?: number | undefined;
  readonly compress?: string | undefined;
  readonly 'no-create': boolean;
  readonly 'skip-empty': boolean;
}

export interface ProduceRun {
  readonly topic: string;
  readonly body: string | undefined;
  readonly flags: ProduceFlags;
  readonly settings: SettingValues;
  readonly clock: Clock;
  readonly stdin: HostInput;
  readonly out: Output;
  readonly signal: AbortSignal;
  /** Called once flags are known to be usable. `mayCreate`: makes a store that does not exist. */
  readonly openBroker: (mayCreate: boolean) => Promise<Broker>;
  /** How messages are checked before anything is made for them. */
  readonly messageCheck: () => Promise<MessageCheck>;
  readonly notice: (text: string) => void;
  /** Where a decision about a transaction outlives the process; absent for a store, which keeps it itself. */
  readonly decisionDirectory?: string | undefined;
}
