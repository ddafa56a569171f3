import type { ClientSettings } from '../remote/client-settings.ts';
import type { AppliedName } from './settings-table.ts';
import type { SettingValues } from './settings.ts';

/** What of the settings is for clients of a cluster. */
export function clientSettings(values: SettingValues): ClientSettings {
  const text = (name: AppliedName): string | undefined => (values.isGiven(name) && values.text(name) !== '' ? values.text(name) : undefined);
  const ms = (name: AppliedName): number | undefined => (values.isGiven(name) ? values.integer(name) : undefined);
  return {
    requestTimeoutMs: ms('mqClientApiTimeout'), routeAgeMs: ms('pollNameServerInterval'), heartbeatMs: ms('heartbeatBrokerInterval'),
    clientIp: text('clientIP'), unitName: text('unitName'), namespace: text('namespaceV2'),
  };
}
