import type { By } from "../../domain/by.ts";
import type { Rejection } from "../../domain/rejection.ts";

/** A signed-in device. What it says of roles holds at the moment; ask again for each command. */
export interface Identity extends Pick<By, "tenant" | "userId" | "roles" | "guest"> {
  readonly deviceId: string;
  /** When the token ends. */
  readonly expiresAt: Date;
}

/** Of a request, beside who sends it. */
type Arrival = Pick<By, "now" | "correlationId"> & {
  readonly [Field in "key" | "address" | "purpose" | "traceparent"]: string | undefined;
};

/** Who asks, where somebody is signed in and where nobody is. */
export function byOf(identity: Identity | null, { now, correlationId, ...rest }: Arrival): By {
  const { key, address, purpose, traceparent } = rest;
  return {
    tenant: identity?.tenant ?? "",
    userId: identity?.userId ?? "",
    deviceId: identity?.deviceId ?? null,
    roles: identity?.roles ?? [],
    guest: identity?.guest ?? false,
    now,
    ...(key === undefined ? {} : { key }),
    ...(address === undefined ? {} : { address }),
    ...(purpose === undefined ? {} : { purpose }),
    correlationId,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** A device's session, or with no device all of a person's, ended before its token did. */
export interface Ended {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId?: string;
}

/** Tells whose an access token is. */
export interface Identities {
  /** Whatever token does not hold is `unauthenticated`. */
  authenticate(token: string): Promise<Identity | Rejection>;
  /** The identity as it stands now: for sockets, which authenticated once and live on. */
  renewed(identity: Identity): Promise<Identity | Rejection>;
  /** Calls back for every session that ends, here or in another process. Gives what stops it. */
  onRevoked(listener: (ended: Ended) => void): () => void;
}
