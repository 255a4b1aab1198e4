import type { Preferences } from "../domain/user/events.ts";

/** A person as others see them; nulls where erased. */
export interface Person {
  readonly userId: string;
  readonly username: string | null;
  readonly displayName: string | null;
  readonly avatar: string | null;
  readonly erased: boolean;
}

export interface OwnPerson extends Person {
  readonly preferences: Preferences;
  /** Of the person's stream. */
  readonly revision: number;
}

export interface SignedInDevice {
  readonly deviceId: string;
  /** Null where it is erased. */
  readonly name: string | null;
  readonly platform: string;
  readonly signedInAt: Date;
}

/** What the read models know of people: opened, and of one tenant. */
export interface People {
  own(tenant: string, userId: string): Promise<OwnPerson | undefined>;
  /** In the order asked; without those whom the read model does not know. */
  people(tenant: string, userIds: readonly string[]): Promise<readonly Person[]>;
  /** Those of the others who are, now, members of a conversation that this person is a member of. */
  sharingWith(tenant: string, userId: string, others: readonly string[]): Promise<ReadonlySet<string>>;
  /** The groups that this person, now, is an owner of. */
  ownedGroups(tenant: string, userId: string): Promise<readonly string[]>;
  /** Those that are signed in, the newest first. */
  devices(tenant: string, userId: string): Promise<readonly SignedInDevice[]>;
  /** Waits, bounded, until what the log holds now can be read. False: it did not get there. */
  settled(): Promise<boolean>;
}
