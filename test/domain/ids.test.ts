import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ID_RANDOM_BYTES, idAfter, makeId } from "../../service/domain/ids.ts";

const times = fc.date({ min: new Date("2000-01-01"), max: new Date("2200-01-01"), noInvalidDate: true });
const bytes = fc.uint8Array({ minLength: ID_RANDOM_BYTES, maxLength: ID_RANDOM_BYTES });

describe("the id after another", () => {
  it("is one of the same form, and later in their order", () => {
    fc.assert(
      fc.property(times, bytes, (at, random) => {
        const id = makeId("evt", at, random);
        expect(idAfter(id) > id).toBe(true);
        expect(idAfter(id)).toMatch(/^evt_[0-9a-z]{22}$/);
      }),
    );
  });

  it("is before that of the next millisecond, unless the millisecond is full", () => {
    const at = new Date("2026-11-25T00:00:00.000Z");
    const next = makeId("evt", new Date(at.getTime() + 1), new Uint8Array(ID_RANDOM_BYTES));
    expect(idAfter(makeId("evt", at, new Uint8Array(ID_RANDOM_BYTES).fill(30))) < next).toBe(true);
    expect(idAfter(makeId("evt", at, new Uint8Array(ID_RANDOM_BYTES).fill(31)))).toBe(next);
  });
});
