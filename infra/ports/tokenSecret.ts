/**
 * The secret beneath all tokens: 32 bytes, the same in every process that serves a log. Whoever has it can make tokens,
 * so it is kept where the database's backups do not reach. Losing it signs every device out and does no other harm.
 */
export interface TokenSecret {
  load(): Promise<Uint8Array>;
}
