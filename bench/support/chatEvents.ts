import type { Database } from "../../infra/ports/database.ts";

const PEOPLE = 20;
const IN_A_CONVERSATION = 1_000;

/**
 * Fills an empty log with what a chat of 20 people in each conversation leaves: of a hundred events 90 are messages, 5
 * marks, 3 reactions, 1 an edit and 1 a deletion; the conversations' events lie among each other. Sealed parts have the
 * size of a message of some 100 characters and are random.
 */
export async function fillLog(database: Database, events: number): Promise<void> {
  const conversations = Math.ceil(events / IN_A_CONVERSATION);
  await database.transaction(async (tx) => {
    await tx.query(
      "create temp table people on commit drop as select n, gen_random_uuid() as id from generate_series(0, 19) n",
    );
    await tx.query(
      "create temp table talks on commit drop as select n, gen_random_uuid() as id from generate_series(0, $1::int - 1) n",
      [conversations],
    );
    await tx.query("insert into log.streams (stream) select 'main/conversation-' || id from talks order by n");
    await tx.query("insert into log.streams (stream) select 'main/receipts-' || id from talks order by n");
    await tx.query(
      `insert into log.events (position, recorded_at, stream_no, revision, command, command_at, type, version, data, meta)
       select row_number() over (order by t.n, at), 1763719200000, s.stream_no, at, gen_random_uuid(), 0,
         case at when 0 then 'ConversationCreated' else 'MemberAdded' end, 1,
         case at when 0 then '{"kind":"group","historyVisibility":"joined"}'::json
           else json_build_object('userId', (select id from people where n = at - 1), 'role', 'member', 'afterSeq', 0) end,
         '{"correlationId":"bench","actorId":null,"occurredAt":"2026-11-21T10:00:00.000Z"}'
       from talks t join log.streams s on s.stream = 'main/conversation-' || t.id, generate_series(0, $1::int) at`,
      [PEOPLE],
    );
    await tx.query(
      `with base as (select coalesce(max(position), 0) as position from log.events),
       steps as (
         select n, n % $2::int as talk, n / $2::int as step, case
           when n / $2::int < 50 or n / $2::int % 100 < 90 then 'MessageSent' when n / $2::int % 100 < 95 then 'MarksRaised'
           when n / $2::int % 100 < 98 then 'ReactionAdded' when n / $2::int % 100 < 99 then 'MessageEdited' else 'MessageDeleted' end as type
         from generate_series(0, $1::int - 1) n
       ),
       placed as (
         select steps.*, row_number() over (partition by talk, type = 'MarksRaised' order by n) as nth,
           count(*) filter (where type = 'MessageSent') over (partition by talk order by n) as seq
         from steps
       ),
       about as (
         select placed.*, t.id as conversation, case type when 'MessageSent' then seq when 'MarksRaised' then seq
           else seq - 40 + step % 10 end as of_seq
         from placed join talks t on t.n = talk
       )
       insert into log.events (position, recorded_at, stream_no, revision, command, command_at, target, type, version, data,
         meta, subject, bucket, sealed)
       select base.position + 1 + a.n, 1763719200000 + a.n, s.stream_no,
         case a.type when 'MarksRaised' then nth - 1 else nth + $3::int end, gen_random_uuid(), 0,
         case when a.type <> 'MarksRaised' then m.target end, a.type, 1,
         case a.type
           when 'MarksRaised' then json_build_object('marks', json_build_array(json_build_object('userId', p.id,
             'deviceId', p.id, 'delivered', of_seq, 'read', of_seq, 'at', '2026-11-21T10:00:00.000Z')))
           when 'ReactionAdded' then json_build_object('target', m.target, 'seq', of_seq, 'userId', p.id, 'emoji', '👍')
           when 'MessageEdited' then json_build_object('target', m.target, 'seq', of_seq, 'authorId', w.id,
             'editedAt', '2026-11-21T10:00:00.000Z')
           when 'MessageDeleted' then json_build_object('target', m.target, 'seq', of_seq, 'authorId', w.id)
           else json_build_object('target', m.target, 'seq', of_seq, 'authorId', w.id, 'kind', 'text',
             'sentAt', '2026-11-21T10:00:00.000Z') end,
         '{"correlationId":"0193b0a0-0000-7000-8000-000000000000","actorId":null,"occurredAt":"2026-11-21T10:00:00.000Z"}',
         case when a.type in ('MessageSent', 'MessageEdited') then w.id end,
         case when a.type in ('MessageSent', 'MessageEdited') then '2026-11-21' end,
         case when a.type in ('MessageSent', 'MessageEdited') then
           sha512(convert_to(a.n::text, 'UTF8')) || sha512(convert_to('a' || a.n, 'UTF8')) || sha512(convert_to('b' || a.n, 'UTF8')) end
       from base, about a
       join log.streams s on s.stream = case a.type when 'MarksRaised' then 'main/receipts-' else 'main/conversation-' end || a.conversation
       join people p on p.n = a.step % 20 join people w on w.n = of_seq % 20
       cross join lateral (select overlay(overlay(md5(a.conversation::text || of_seq) placing '4' from 13) placing '8' from 17)::uuid as target) m
       order by a.n`,
      [events, conversations, PEOPLE],
    );
  });
  await database.query("vacuum analyze log.events");
  await database.query("analyze log.streams");
}
