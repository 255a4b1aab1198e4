import type { Device, SignedIn } from "./contract.ts";
import type { Http, HttpRequest } from "./http.ts";
import { isScriptaError, ScriptaError } from "./problem.ts";

/** What a device signs its requests with. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Milliseconds since 1970, by this device's clock. */
  readonly expiresAt: number;
  readonly userId: string;
  readonly deviceId: string;
}

export const tokensOf = ({ expiresIn, ...rest }: SignedIn, nowMs = Date.now()): Tokens => ({
  accessToken: rest.accessToken,
  refreshToken: rest.refreshToken,
  userId: rest.userId,
  deviceId: rest.deviceId,
  expiresAt: nowMs + expiresIn * 1000,
});

const RENEW_BEFORE_MS = 20_000;

export const signIn = async (
  http: Http,
  body: { username: string; password: string; device: Device; tenant?: string },
): Promise<Tokens> => tokensOf(await http.json<SignedIn>({ method: "POST", path: "/auth/login", body }));

/** One device's sign-in: keeps its access token fresh, asks for one new pair at a time. */
export class Session {
  readonly #http: Http;
  readonly #onRenewed: (tokens: Tokens) => Promise<void>;
  #tokens: Tokens;
  #renewing: Promise<string> | undefined;
  #ended = false;

  /** `onRenewed` keeps the new pair before it is used: an old one that comes back late signs the device out. */
  constructor(http: Http, tokens: Tokens, onRenewed: (tokens: Tokens) => Promise<void>) {
    this.#http = http;
    this.#tokens = tokens;
    this.#onRenewed = onRenewed;
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  /** The server has signed the device out; nothing works any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** An access token that lasts a while yet. */
  async accessToken(): Promise<string> {
    return Date.now() < this.#tokens.expiresAt - RENEW_BEFORE_MS ? this.#tokens.accessToken : this.renew();
  }

  /** Whoever asks meanwhile gets the same pair. Throws `unauthenticated` once the device is signed out. */
  renew(): Promise<string> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<string> {
    if (this.#ended) throw new ScriptaError("unauthenticated", "this device is signed out");
    try {
      const signedIn = await this.#http.json<SignedIn>({
        method: "POST",
        path: "/auth/refresh",
        body: { refreshToken: this.#tokens.refreshToken },
        repeatable: true,
      });
      this.#tokens = tokensOf(signedIn);
      await this.#onRenewed(this.#tokens);
      return this.#tokens.accessToken;
    } catch (error) {
      if (isScriptaError(error) && error.code === "unauthenticated") this.#ended = true;
      throw error;
    }
  }

  async json<Body>(request: HttpRequest): Promise<Body> {
    return this.#signed((token) => this.#http.json<Body>(request, token));
  }

  async response(request: HttpRequest): Promise<Response> {
    return this.#signed((token) => this.#http.response(request, token));
  }

  async logout(): Promise<void> {
    await this.#signed((token) => this.#http.json<null>({ method: "POST", path: "/auth/logout" }, token));
    this.#ended = true;
  }

  async #signed<Result>(ask: (token: string) => Promise<Result>): Promise<Result> {
    const token = await this.accessToken();
    try {
      return await ask(token);
    } catch (error) {
      if (!isScriptaError(error) || error.code !== "unauthenticated") throw error;
      return ask(token === this.#tokens.accessToken ? await this.renew() : this.#tokens.accessToken);
    }
  }
}
