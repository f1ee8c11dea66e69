import { type ClientOptions, createClient, type TokenStore } from '@fondasi/client';
import * as auth from '#modules/auth/contract';
import * as chat from '#modules/chat/contract';
import * as users from '#modules/users/contract';
import { PASSWORD, type Person, someAddress } from '../support/person.ts';

export const contracts = { auth, chat, users };
type Options = Omit<ClientOptions<typeof contracts>, 'url' | 'contracts'>;

/** Requests as they go out, from an address of their own, so that limits by address do not meet. */
export const fetchFrom =
  (address = someAddress(), seen: string[] = []): typeof fetch =>
  async (url, init) => {
    seen.push(`${init?.method} ${new URL(url as string).pathname}`);
    return fetch(url, { ...init, headers: { ...(init?.headers as object), 'x-forwarded-for': address } });
  };

export const clientAt = (url: string, options: Options = {}) => createClient({ url, contracts, fetch: fetchFrom(), ...options });

export type TestClient = ReturnType<typeof clientAt>;

/** The client of somebody who has an account. */
export async function clientOf(person: Person, options: Options & { at?: string } = {}): Promise<TestClient> {
  const client = clientAt(options.at ?? person.app.url, options);
  client.session.set(await client.auth.signIn({ email: person.email, password: PASSWORD }));
  return client;
}

/** What a browser's storage is to a client. */
export class Store implements TokenStore {
  text: string | null = null;
  load() {
    return this.text;
  }
  save(text: string | null) {
    this.text = text;
  }
}
