import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { GroupFlagValues } from './group-options.ts';
import type { Output } from './output.ts';
import type { SettingValues } from './settings.ts';

export interface ReadFlagValues {
  readonly json: boolean;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly queue?: number | undefined;
  readonly count?: number | undefined;
  readonly timeout?: string | undefined;
  readonly 'until-end': boolean;
  readonly tag?: string | undefined;
  readonly sql?: string | undefined;
  readonly grep?: string | undefined;
  readonly format?: string | undefined;
  readonly exec?: string | undefined;
  readonly suspend?: string | undefined;
  readonly 'max-reconsume'?: number | undefined;
}

export interface ConsumeFlagValues extends ReadFlagValues, GroupFlagValues {}

export interface ReadRun<F extends ReadFlagValues = ReadFlagValues> {
  readonly topics: readonly string[];
  readonly flags: F;
  readonly settings: SettingValues;
  readonly clock: Clock;
  readonly out: Output;
  readonly signal: AbortSignal;
  /** Called once every flag is understood. */
  readonly openBroker: () => Promise<Broker>;
  readonly onDamage: (text: string) => void;
  /** Something a user should be told. */
  readonly onNotice: (text: string) => void;
}

export interface ConsumeRun extends ReadRun<ConsumeFlagValues> {
  /** Of `--exec -- PROGRAM ARGUMENTS`. */
  readonly execWords: readonly string[];
  /** As `onNotice`, for those who want to know more. */
  readonly onDetail: (text: string) => void;
}
