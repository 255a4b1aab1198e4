import { backoffMs } from "./backoff.ts";

/** What a client does after its connection ended. */
export type Next =
  | { readonly do: "connect"; readonly afterMs: number; readonly renew?: true }
  | { readonly do: "stop"; readonly why: "signed-out" | "replaced" | "not-allowed" };

/** How a connection ended. `live`: it had caught up before; `attempt`: how many in a row had not. */
export interface Ended {
  readonly code: number;
  readonly live: boolean;
  readonly attempt: number;
  /** The token was fresh from a renewal that an earlier 4001 asked for. */
  readonly renewed: boolean;
}

const LIMITED_FOR_LONG_MS = 30_000;

/** The close codes of the contract, and for every other end the next attempt, later each time. */
export function afterClose({ code, live, attempt, renewed }: Ended, random: () => number = Math.random): Next {
  switch (code) {
    case 4001:
      return renewed ? { do: "stop", why: "signed-out" } : { do: "connect", afterMs: 0, renew: true };
    case 4003:
      return { do: "stop", why: "not-allowed" };
    case 4009:
      return { do: "stop", why: "replaced" };
    case 4008:
    case 4010:
      return { do: "connect", afterMs: live || attempt === 0 ? 0 : backoffMs(attempt, random) };
    case 4029:
      return { do: "connect", afterMs: LIMITED_FOR_LONG_MS + backoffMs(attempt, random) };
    default:
      return { do: "connect", afterMs: backoffMs(attempt, random) };
  }
}
