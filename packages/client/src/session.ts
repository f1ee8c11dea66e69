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
  private renewing: Promise<Held> | undefined;
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

  /** Begins with the answer of signing in, goes on with another organization's token, or ends with `undefined`. */
  set(tokens: Tokens | undefined): void {
    const before = this.held;
    this.held = tokens && {
      ...tokens,
      refreshToken: tokens.refreshToken ?? before?.refreshToken,
      expiresAt: Date.now() + tokens.expiresIn * 1_000,
    };
    this.store?.save(this.held ? JSON.stringify(this.held) : null);
    for (const listener of this.listeners) listener(this.signedIn);
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
    this.renewing ??= this.renewOnce(held.accessToken).finally(() => (this.renewing = undefined));
    return (await this.renewing).accessToken;
  }

  /** Of several tabs the first renews; the others find its tokens in the store. */
  private renewOnce(expired: string): Promise<Held> {
    const renew = async (): Promise<Held> => {
      const stored = this.stored();
      if (stored && stored.accessToken !== expired && stored.expiresAt - Date.now() > AHEAD) return (this.held = stored);
      const refreshToken = (stored ?? this.held)?.refreshToken;
      if (refreshToken === undefined) throw signedOut();
      try {
        this.set(await this.renew(refreshToken));
      } catch (error) {
        // A server that can't be reached has said nothing of the session.
        if (error instanceof ProblemError && !isPassing(error)) this.set(undefined);
        throw error;
      }
      if (!this.held) throw signedOut();
      return this.held;
    };
    const locks = this.store && globalThis.navigator?.locks;
    return locks ? locks.request('fondasi:session', renew) : renew();
  }

  private stored(): Held | undefined {
    try {
      return JSON.parse(this.store?.load() ?? 'null') ?? undefined;
    } catch {
      return undefined;
    }
  }
}
