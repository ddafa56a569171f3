import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import type { RequestDefinition } from '../wire/definition.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import type { AskOptions, RemotingClient } from './remoting-client.ts';

/** The name servers of a cluster. Each knows everything; one that works is kept, and the next one tried when it fails. */
export class NameServers {
  readonly addresses: readonly string[];
  readonly #client: RemotingClient;
  #current: number;

  constructor(client: RemotingClient, addresses: readonly string[], random: () => number = Math.random) {
    this.#client = client;
    this.addresses = addresses;
    this.#current = Math.floor(random() * addresses.length);
  }

  /** The answer of the first that gives one, and who that is. Errors: UNREACHABLE when none does; WRONG_KIND where one that is none is among them. */
  async ask<Q, QB>(definition: RequestDefinition<Q, QB, unknown, unknown>, header: Q, body: QB, options?: AskOptions): Promise<{ readonly response: RemotingCommand; readonly address: string }> {
    const failures: MqliteError[] = [];
    for (let attempt = 0; attempt < this.addresses.length; attempt++) {
      const address = this.addresses[this.#current]!;
      try {
        const response = await this.#client.ask(address, definition, header, body, options);
        if (response.code !== RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED) return { response, address };
        failures.push(notOne(address));
      } catch (error) {
        if (!isGone(error)) throw error;
        failures.push(error);
      }
      this.#current = (this.#current + 1) % this.addresses.length;
    }
    throw failures.find(({ code }) => code === 'WRONG_KIND') ?? unreachable(failures);
  }
}

/** Every name server knows what is asked of it here. Brokers speak the same protocol and do not; a proxy knows some of it. */
const notOne = (address: string): MqliteError => new MqliteError('WRONG_KIND', `${address} is a broker (or a proxy), not a name server`, {
  hint: `Name servers listen at port 9876 where nothing else is set: --namesrv ${address.replace(/:\d+$/, '')}:9876`,
});

const unreachable = (failures: readonly MqliteError[]): MqliteError => {
  const [first] = failures;
  const code = failures.every(({ code: one }) => one === 'TIMED_OUT') ? 'TIMED_OUT' : 'UNREACHABLE';
  if (failures.length === 1) return new MqliteError(code, `name server ${first!.message}`, { hint: first!.hint ?? '', cause: first });
  return new MqliteError(code, `no name server answers: ${failures.map(({ message }) => message).join('; ')}`, { hint: 'Is one of them running, and are the ports right?', cause: first });
};
