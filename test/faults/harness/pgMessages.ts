/** A message of PostgreSQL's protocol: its type as a character, and all its bytes. */
export interface PgMessage {
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * Cuts a stream into messages. A client's first message has no type: it is given as type `startup`.
 * @see PostgreSQL documentation, 54.7 Message Formats
 */
export function messageCutter(side: "client" | "server"): (chunk: Buffer) => PgMessage[] {
  let rest: Buffer = Buffer.alloc(0);
  let started = side === "server";
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: PgMessage[] = [];
    for (;;) {
      const at = started ? 1 : 0;
      if (rest.length < at + 4) return messages;
      const length = at + rest.readUInt32BE(at);
      if (rest.length < length) return messages;
      messages.push({ type: started ? String.fromCharCode(rest[0] ?? 0) : "startup", bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
      started = true;
    }
  };
}

/** The zero-terminated strings that a message begins with. */
export function stringsOf({ bytes }: PgMessage, count: number): string[] {
  const strings: string[] = [];
  for (let at = 5; strings.length < count; ) {
    const end = bytes.indexOf(0, at);
    if (end < 0) break;
    strings.push(bytes.toString("utf8", at, end));
    at = end + 1;
  }
  return strings;
}
