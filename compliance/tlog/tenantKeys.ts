import type { StreamId } from "../../domain/ids.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import type { TenantKeys } from "./commitments.ts";

/** The keys that entries of this stream's tenant are made with. @throws KeysUnavailable */
export async function keysOfStream(sealing: Pick<Sealing, "tenantKey">, stream: StreamId): Promise<TenantKeys> {
  const tenant = stream.slice(0, stream.indexOf("/"));
  const [tagKey, saltKey] = await Promise.all([sealing.tenantKey(tenant, "tag"), sealing.tenantKey(tenant, "salt")]);
  return { tagKey, saltKey };
}
