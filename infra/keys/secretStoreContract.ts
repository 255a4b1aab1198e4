import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { streamId } from "../../domain/ids.ts";
import { destroyed, type SecretName, type SecretStore } from "../ports/secrets.ts";

export const aPerson = (tenant = "main"): SecretName => ({ tenant, of: randomUUID() });
export const aDay = (bucket = "2026-11-21", tenant = "main"): SecretName => ({
  tenant,
  of: streamId(tenant, "conversation", randomUUID()),
  bucket,
});

/** What every store of secrets promises. */
export function secretStoreContract(named: string, open: () => SecretStore): void {
  const headOf = async (store: SecretStore) => (await store.ledger(Number.MAX_SAFE_INTEGER)).head;

  describe(named, () => {
    test("a secret is made once, is 32 bytes, and is the same whenever it is asked for", async () => {
      const store = open();
      const names = [aPerson(), aDay(), aDay("-"), { tenant: "main", of: `${randomUUID()}-key` }];
      const made = await store.ensure(names);
      expect(made.map((secret) => secret !== destroyed && secret.length)).toEqual([32, 32, 32, 32]);
      expect(new Set(made.map((secret) => secret !== destroyed && Buffer.from(secret).toString("hex"))).size).toBe(4);
      expect(await store.ensure(names)).toEqual(made);
      expect(await store.get(names)).toEqual(made);
    });

    test("a secret that never was is told apart from one that was destroyed", async () => {
      const store = open();
      const never = aPerson();
      const gone = aPerson();
      await store.ensure([gone]);
      await store.destroy([gone]);
      expect(await store.get([never, gone])).toEqual([undefined, destroyed]);
    });

    test("another tenant, another bucket and another owner have other secrets", async () => {
      const store = open();
      const name = aDay();
      const [one] = await store.ensure([name]);
      const others: SecretName[] = [
        { ...name, tenant: "other" },
        { ...name, bucket: "2026-11-22" },
        { ...name, of: aDay().of },
        { tenant: name.tenant, of: name.of },
      ];
      expect(await store.get(others)).toEqual(others.map(() => undefined));
      for (const other of await store.ensure(others)) expect(other).not.toEqual(one);
    });

    test("a destroyed secret stays destroyed, also when it never was and is asked for later", async () => {
      const store = open();
      const names = [aPerson(), aDay()];
      await store.ensure(names.slice(0, 1));
      await store.destroy(names);
      expect(await store.ensure(names)).toEqual([destroyed, destroyed]);
      expect(await store.get(names)).toEqual([destroyed, destroyed]);
    });

    test("the ledger tells what was destroyed since a head, in order and once", async () => {
      const store = open();
      const start = await headOf(store);
      const [first, second, third] = [aPerson(), aDay(), aPerson()];
      await store.ensure([first, second]);
      const afterFirst = await store.destroy([first]);
      expect(afterFirst).toBe(start + 1);
      expect(await store.destroy([first])).toBe(afterFirst);
      const afterAll = await store.destroy([second, third, second]);
      expect(afterAll).toBe(start + 3);
      expect((await store.ledger(start)).destroyed).toHaveLength(3);
      const { head, destroyed: since } = await store.ledger(afterFirst);
      expect(head).toBe(afterAll);
      expect(since).toEqual(expect.arrayContaining([second, third]));
      expect(await store.ledger(afterAll)).toEqual({ head: afterAll, destroyed: [] });
    });

    test("what one asks for at the same time as another is the same secret", async () => {
      const store = open();
      const names = Array.from({ length: 40 }, (_, at) => (at % 2 ? aPerson() : aDay(`2026-01-${10 + at}`)));
      const answers = await Promise.all(
        [names, names.toReversed(), names, names.toReversed()].map((asked) => store.ensure(asked)),
      );
      const [one, two, three, four] = answers;
      expect(three).toEqual(one);
      expect(two?.toReversed()).toEqual(one);
      expect(four).toEqual(two);
    });

    test("asking twice in one breath gives one secret", async () => {
      const store = open();
      const [person, day] = [aPerson(), aDay()];
      const [a, b, c, d] = await store.ensure([person, day, person, day]);
      expect([c, d]).toEqual([a, b]);
      expect(await store.ensure([])).toEqual([]);
      expect(await store.get([])).toEqual([]);
    });

    test("asked for and destroyed at once, a secret is destroyed in the end", async () => {
      const store = open();
      const names = Array.from({ length: 30 }, () => aPerson());
      await Promise.all(names.flatMap((name) => [store.ensure([name]), store.destroy([name]), store.ensure([name])]));
      expect(await store.get(names)).toEqual(names.map(() => destroyed));
      expect(await store.ensure(names)).toEqual(names.map(() => destroyed));
    });

    test("any history of making and destroying leaves what it should", () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom("ensure", "get", "destroy"), fc.uniqueArray(fc.nat(5), { minLength: 1 })), {
            maxLength: 12,
          }),
          async (history) => {
            const store = open();
            const names = [
              aPerson(),
              aPerson(),
              aDay(),
              aDay("-"),
              aDay("2026-11-22"),
              { tenant: "main", of: randomUUID() },
            ];
            const alive = new Map<number, Uint8Array>();
            const gone = new Set<number>();
            for (const [what, which] of history) {
              const asked = which.flatMap((at) => names[at] ?? []);
              if (what === "destroy") {
                await store.destroy(asked);
                for (const at of which) gone.add(at);
                continue;
              }
              const answers = what === "ensure" ? await store.ensure(asked) : await store.get(asked);
              for (const [place, at] of which.entries()) {
                const answer = answers[place];
                if (gone.has(at)) expect(answer).toBe(destroyed);
                else if (what === "get" || alive.has(at)) expect(answer).toEqual(alive.get(at));
                else if (answer !== undefined && answer !== destroyed) alive.set(at, answer);
                else expect.unreachable("nothing was made");
              }
            }
          },
        ),
        { numRuns: 25 },
      ));
  });
}
