import type { Database } from "../../infra/ports/database.ts";

/** What a conversation is given at one stroke. */
interface Bulk {
  readonly conversationId: string;
  readonly authors: readonly string[];
  readonly messages: number;
}

/**
 * Puts messages at the end of a conversation's stream as if they had been said one after the other, without anything
 * personal in them: for what takes long to say and is not what is measured. Nobody else may append meanwhile.
 */
export async function insertMessages(database: Database, { conversationId, authors, messages }: Bulk): Promise<void> {
  await database.query(
    `with place as materialized (
       select stream_no, (select max(position) from log.events) as position, (select max(recorded_at) from log.events) as at,
         (select max(revision) from log.events e where e.stream_no = s.stream_no) as revision,
         (select count(*) from log.events e where e.stream_no = s.stream_no and type = 'MessageSent') as seq
       from log.streams s where stream = 'main/conversation-' || $1
     ), said as (
       select n, gen_random_uuid() as command, gen_random_uuid() as target, ($2::uuid[])[1 + n % cardinality($2::uuid[])] as author
       from generate_series(1, $3::int) n
     )
     insert into log.events (position, recorded_at, stream_no, revision, command, command_at, actor, payload_hash, target,
       type, version, data, meta)
     select position + n, at, stream_no, revision + n, command, 0, author, '\\x00'::bytea, target, 'MessageSent', 1,
       json_build_object('target', target, 'seq', seq + n, 'authorId', author, 'kind', 'text',
         'sentAt', '2026-11-21T08:00:00.000Z'),
       json_build_object('commandId', command, 'correlationId', 'bench', 'actorId', author,
         'occurredAt', '2026-11-21T08:00:00.000Z')
     from place, said order by n`,
    [conversationId, authors, messages],
  );
}
