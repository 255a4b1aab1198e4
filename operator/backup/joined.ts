import { hash } from "node:crypto";
import { join } from "node:path";
import { streamId, tenantId } from "../../domain/ids.ts";
import { systemClock } from "../../infra/clock.ts";
import { fileWeekKeys } from "../../infra/keys/fileWeekKeys.ts";
import { anythingWrapped, postgresSecretStore } from "../../infra/keys/postgresSecretStore.ts";
import type { Database } from "../../infra/ports/database.ts";
import { destroyed } from "../../infra/ports/secrets.ts";
import { CommandFailed } from "../commandFailed.ts";
import type { Manifest } from "./manifest.ts";

/** Both parts, as their manifests tell of them. */
export interface Parts {
  readonly log: Manifest;
  readonly keys: Manifest;
}

/** Before anything is loaded. @throws CommandFailed where these parts are not of one installation, or the keys too old */
export function assertTheyBelong({ log, keys }: Parts): void {
  if (log.installation !== keys.installation)
    throw new CommandFailed(
      `the keys part (of ${keys.takenAt}) and the log part (of ${log.takenAt}) are of different installations`,
    );
  if (keys.ledger < log.ledger)
    throw new CommandFailed(
      `the keys part is of ${keys.takenAt}, the log part of ${log.takenAt}: since then ${log.ledger - keys.ledger} ` +
        "secrets were destroyed, which this keys part would bring back. Name the newest keys part with --keys",
    );
}

/** In the order asked: subject secrets are named by person or conversation, bucket secrets by stream and day. */
const NEEDED = `
  select split_part(s.stream, '/', 1) as tenant, '' as bucket, e.subject::text as owner,
    min(e.position) as first, count(*) as events
  from log.events e join log.streams s using (stream_no) where e.sealed is not null group by 1, 2, 3
  union all
  select split_part(s.stream, '/', 1), e.bucket, s.stream, min(e.position), count(*)
  from log.events e join log.streams s using (stream_no) where e.sealed is not null group by 1, 2, 3`;

/** What is sealed in the log has its secrets, or they were destroyed. @throws CommandFailed */
export async function assertSecretsThere(db: Database, { log, keys }: Parts): Promise<void> {
  const { rows } = await db.query<{ secrets: number; events: number; first: number }>(
    `select count(*) as secrets, max(events) as events, min(first) as first from (${NEEDED}) n
      where not exists (select from keys.secrets k where (k.tenant, k.bucket, k.owner) = (n.tenant, n.bucket, n.owner))
        and not exists (select from keys.ledger l where (l.tenant, l.bucket, l.owner) = (n.tenant, n.bucket, n.owner))`,
  );
  const [missing] = rows;
  if (missing && missing.secrets > 0)
    throw new CommandFailed(
      `the keys part is of ${keys.takenAt}, the log part ends at ${log.head.recordedAt}: ${missing.secrets} secrets ` +
        `are not in it, without which events from position ${missing.first} on cannot be opened. ` +
        "Name a newer keys part with --keys",
    );
}

/** The keys open, and are those of this log: each tenant's first event has the hash of its tag key. @throws CommandFailed */
export async function assertKeysOpen(db: Database, keysFolder: string): Promise<void> {
  const weekKeys = fileWeekKeys(join(keysFolder, "week"), systemClock, anythingWrapped(db));
  const secrets = postgresSecretStore(db, weekKeys);
  const { rows } = await db.query<{ tenant: string }>("select tenant from accounts.tenants order by tenant");
  for (const { tenant } of rows) {
    const founded = await db.query<{ tag: string }>(
      `select e.data ->> 'tagKeyHash' as tag from log.events e join log.streams s using (stream_no)
        where s.stream = $1 and e.revision = 0`,
      [streamId(tenant, "tenant", tenantId(tenant))],
    );
    const [key] = await secrets.get([{ tenant, of: "tag-key" }]);
    if (key === destroyed || !key || hash("sha256", key, "hex") !== founded.rows[0]?.tag)
      throw new CommandFailed(`the keys of the tenant ${tenant} are not those of this log`);
  }
}
