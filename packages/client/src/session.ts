import { ownerOf, personOf } from './owner.ts';
import { isPassing, ProblemError, signedOut } from './problem.ts';

/** What signing in answers, and each renewal. */
export interface Tokens {
  readonly accessToken: string;
  /** Works once. Absent where there is nothing to renew with. */
  readonly refreshToken?: string | undefined;
  /** Seconds for which the access token is valid. */
  readonly expiresIn: number;
}

/** Where tokens are kept between visits. Tabs that share one share the session. */
export interface TokenStore {
  load(): string | null | undefined;
  save(text: string | null): void;
}

interface Held extends Tokens {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

type Renew = (refreshToken: string) => Promise<Tokens>;

/** A token is renewed this many milliseconds before it ends. */
const AHEAD = 20_000;

/** Who is signed in. Tokens are renewed once, however many calls find them expired, in however many tabs. */
export class Session {
  private held: Held | undefined;
  private renewing: { readonly of: Held; readonly done: Promise<Held> } | undefined;
  private readonly listeners = new Set<(signedIn: boolean) => void>();
  private readonly store: TokenStore | undefined;
  private readonly renew: Renew;

  constructor(renew: Renew, store?: TokenStore) {
    this.renew = renew;
    this.store = store;
    this.held = this.stored();
  }

  get signedIn(): boolean {
    return this.held !== undefined;
  }

  /** The person and the organization that calls are made as; undefined where nobody is signed in, or tokens don't say. */
  get owner(): string | undefined {
    return ownerOf(this.held?.accessToken);
  }

  /** Begins with the answer of signing in, goes on with another organization's token, or ends with `undefined`. */
  set(tokens: Tokens | undefined): void {
    const before = this.held;
    const same = before && tokens && personOf(before.accessToken) === personOf(tokens.accessToken);
    const held = tokens && {
      ...tokens,
      refreshToken: tokens.refreshToken ?? (same ? before.refreshToken : undefined),
      expiresAt: Date.now() + tokens.expiresIn * 1_000,
    };
    this.store?.save(held ? JSON.stringify(held) : null);
    this.hold(held);
  }

  /** Calls `listener` whenever somebody signs in, has new tokens, or is signed out. Answers how to stop that. */
  onChange(listener: (signedIn: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A valid access token; undefined where nobody is signed in. `refused` is one that the server did not take. */
  async token(refused?: string): Promise<string | undefined> {
    const { held } = this;
    if (!held) return undefined;
    const fresh = held.expiresAt - Date.now() > AHEAD && held.accessToken !== refused;
    if (fresh) return held.accessToken;
    if (held.refreshToken === undefined) return held.accessToken === refused ? undefined : held.accessToken;
    try {
      const renewed = await this.renewed(held);
      if (this.held === renewed) return renewed.accessToken;
    } catch (error) {
      if (this.held === held || !this.held) throw error;
    }
    // Whoever signed in meanwhile has tokens of their own.
    return this.token(refused);
  }

  private renewed(held: Held): Promise<Held> {
    if (this.renewing?.of === held) return this.renewing.done;
    const done = this.renewOnce(held).finally(() => {
      if (this.renewing?.of === held) this.renewing = undefined;
    });
    this.renewing = { of: held, done };
    return done;
  }

  /** Of several tabs the first renews; the others find its tokens in the store. Who signed out meanwhile stays so. */
  private renewOnce(held: Held): Promise<Held> {
    const renew = async (): Promise<Held> => {
      if (this.held !== held) throw signedOut();
      const stored = this.stored();
      if (stored && stored.accessToken !== held.accessToken && stored.expiresAt - Date.now() > AHEAD) return this.hold(stored);
      const refreshToken = (stored ?? held).refreshToken;
      if (refreshToken === undefined) throw signedOut();
      try {
        const tokens = await this.renew(refreshToken);
        if (this.held === held) this.set(tokens);
      } catch (error) {
        // A server that can't be reached has said nothing of the session.
        if (this.held === held && error instanceof ProblemError && !isPassing(error)) this.set(undefined);
        throw error;
      }
      if (!this.held) throw signedOut();
      return this.held;
    };
    const locks = this.store && globalThis.navigator?.locks;
    return locks ? locks.request('fondasi:session', renew) : renew();
  }

  private hold<H extends Held | undefined>(held: H): H {
    this.held = held;
    for (const listener of this.listeners) listener(this.signedIn);
    return held;
  }

  private stored(): Held | undefined {
    try {
      return JSON.parse(this.store?.load() ?? 'null') ?? undefined;
    } catch {
      return undefined;
    }
  }
}
