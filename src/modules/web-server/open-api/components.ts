import type { TSchema } from "typebox";

/** A JSON value, as it stands in the document. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

type JsonObject = { readonly [name: string]: Json };

/** Collects the schemas that have a name of their own (`$id`): they stand once in the document, and all uses refer to them. */
export class Components {
  private readonly sources = new Map<string, TSchema>();
  private readonly placed = new Map<string, JsonObject>();

  /** The schema as it stands where it is used. */
  place(schema: TSchema): JsonObject {
    const { $id: id } = schema as { readonly $id?: unknown };
    if (typeof id !== "string") return this.copy(schema);
    const known = this.sources.get(id);
    if (known === undefined) {
      // Before its parts: a schema may be in itself.
      this.sources.set(id, schema);
      this.placed.set(id, this.copy(schema));
    } else if (known !== schema) {
      throw new TypeError(`Two schemas have the name ${id}.`);
    }
    return { $ref: `#/components/schemas/${id}` };
  }

  /** All that have a name, in the order of their names. */
  schemas(): JsonObject {
    return Object.fromEntries([...this.placed].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private copy(schema: TSchema): JsonObject {
    const entries = Object.entries(schema).filter(([name]) => name !== "$id");
    return Object.fromEntries(entries.map(([name, value]) => [name, this.copyValue(value)]));
  }

  private copyValue(value: unknown): Json {
    if (value instanceof RegExp) return value.source;
    if (Array.isArray(value)) return value.map((item) => this.copyValue(item));
    if (typeof value === "object" && value !== null) return this.place(value);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null)
      return value;
    throw new TypeError(`A schema holds a ${typeof value}, which JSON has not.`);
  }
}
