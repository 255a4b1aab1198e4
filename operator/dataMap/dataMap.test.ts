import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventDeclarations } from "../../domain/catalogue.ts";
import { openFields, sealedFields } from "../../domain/dataUse.ts";
import { isJson } from "../../infra/ports/jsonSchema.ts";
import { eventShape } from "../../test/support/eventShape.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { dataMap, fieldsIn, storedUses, useOf } from "./dataMap.ts";

const propertiesOf = (shape: unknown): string[] =>
  isJson(shape) && isJson(shape.properties) ? Object.keys(shape.properties).sort() : [];

describe("each event says what it holds of people:", () => {
  test("there are as many as the catalogue has", () => expect(dataMap().events.length).toBe(eventDeclarations.length));

  test.each(eventDeclarations.map((it) => [it.type, it] as const))("%s", (_, declaration) => {
    const use = useOf(declaration);
    const { data, sealed } = eventShape(declaration);
    expect(openFields(use).sort(), "name each field of its facts in domain/personalData.ts").toEqual(
      propertiesOf(data),
    );
    expect(sealedFields(use).sort(), "name each field that is sealed").toEqual(propertiesOf(sealed));
    const subject = declaration.under?.subject({ authorId: "the author" }, "the stream");
    const whose = { "the author": ["its author"], "the stream": ["the person", "the conversation", "the case"] };
    if (subject === undefined) expect(use.whose).toBeUndefined();
    else expect(Object.entries(whose).find(([one]) => one === subject)?.[1]).toContain(use.whose);
  });
});

describe("each table says what it holds of people:", () => {
  let server: Awaited<ReturnType<typeof startInProcess>>;
  beforeAll(async () => {
    server = await startInProcess();
  });
  afterAll(() => server?.stop());

  test("every column that there is, and none that there is not", async () => {
    const { rows } = await server.running.foundation.database.query<{ table: string; columns: string[] }>(
      `select table_schema || '.' || table_name as table, array_agg(column_name::text order by column_name) as columns
       from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema') group by 1`,
    );
    expect(rows.length).toBeGreaterThan(30);
    const there = Object.fromEntries(rows.map(({ table, columns }) => [table, columns.toSorted()]));
    const said = Object.fromEntries(Object.entries(storedUses).map(([table, use]) => [table, fieldsIn(use).sort()]));
    expect(said, "name each column of each table in the personalData.ts of its folder").toEqual(there);
  });
});
