import { randomInt, randomUUID } from 'node:crypto';
import type { RunningApp } from './app.ts';

export interface Reply<B = any> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: B;
}

export const PASSWORD = 'a passphrase for the tests';

/** A different address for each caller, so that limits by address do not meet between tests. */
export const someAddress = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;

/** Somebody with an account who talks to the app over REST, from an address of their own. */
export class Person {
  readonly app: Pick<RunningApp, 'url'>;
  readonly email: string;
  readonly address = someAddress();
  token = '';
  refreshToken = '';
  id = '';
  organizationId = '';

  constructor(app: Pick<RunningApp, 'url'>, email: string) {
    this.app = app;
    this.email = email;
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const reply = await fetch(this.app.url + path, {
      method,
      headers: {
        'x-forwarded-for': this.address,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await reply.text();
    const isJson = reply.headers.get('content-type')?.includes('json');
    return { status: reply.status, headers: reply.headers, body: isJson && text ? JSON.parse(text) : text };
  }

  get(path: string, headers?: Record<string, string>) {
    return this.request('GET', path, undefined, headers);
  }
  post(path: string, body: unknown = {}, headers?: Record<string, string>) {
    return this.request('POST', path, body, headers);
  }
  patch(path: string, body: unknown, headers?: Record<string, string>) {
    return this.request('PATCH', path, body, headers);
  }

  /** The same person at another process, not signed in there. */
  at(app: Pick<RunningApp, 'url'>): Person {
    return new Person(app, this.email);
  }

  /** The same person, signed in, at another address: what is counted by address begins anew. */
  elsewhere(): Person {
    const { token, refreshToken, id, organizationId } = this;
    return Object.assign(new Person(this.app, this.email), { token, refreshToken, id, organizationId });
  }

  async signIn(): Promise<this> {
    const { status, body } = await this.post('/auth/sign-in', { email: this.email, password: PASSWORD });
    if (status !== 200) throw new Error(`sign-in: ${status} ${JSON.stringify(body)}`);
    this.token = body.accessToken;
    this.refreshToken = body.refreshToken;
    const me = await this.get('/users/me');
    this.id = me.body.id;
    this.organizationId = me.body.organizationId;
    return this;
  }

  /** Founds an organization and acts in it from now on, as its owner. */
  async foundOrganization(name: string): Promise<this> {
    const { body } = await this.post('/organizations', { name });
    return this.actIn(body.id);
  }

  async actIn(organizationId: string): Promise<this> {
    const { status, body } = await this.post('/auth/switch-organization', { organizationId });
    if (status !== 200) throw new Error(`switch: ${status} ${JSON.stringify(body)}`);
    this.token = body.accessToken;
    this.organizationId = organizationId;
    return this;
  }
}

/** Signs a new person up and in. */
export async function newPerson(app: Pick<RunningApp, 'url'>, name = 'Somebody'): Promise<Person> {
  const person = new Person(app, `${name.toLowerCase()}-${randomUUID()}@example.com`);
  const { status, body } = await person.post('/auth/sign-up', { email: person.email, password: PASSWORD, name });
  if (status !== 204) throw new Error(`sign-up: ${status} ${JSON.stringify(body)}`);
  return person.signIn();
}

export const anonymous = (app: Pick<RunningApp, 'url'>) => new Person(app, '');
