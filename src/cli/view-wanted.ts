import type { ReadFlagValues } from './consume-run.ts';
import type { Host } from './host.ts';

/** The full-screen view needs a terminal to show itself on and one to be steered from; whoever asks for an end, or for lines, gets lines. */
export function wantsView(host: Host, flags: ReadFlagValues & { readonly plain: boolean; readonly body: boolean }): boolean {
  const asksForLines = flags.plain || flags.json || flags.body || flags['until-end'] || flags.format !== undefined || flags.count !== undefined || flags.timeout !== undefined;
  return !asksForLines && host.stdout.isTTY === true && host.stdin.isTTY === true && host.env['TERM'] !== 'dumb';
}
