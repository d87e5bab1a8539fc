import fc from "fast-check";
import protobuf from "protobufjs";

/** Any message of a type as an object that its codec reads, with enum values among them that have no name. */
export function messageArbitrary(type: protobuf.Type, depth = 4): fc.Arbitrary<Record<string, unknown>> {
  const fields = type.fieldsArray.filter(({ partOf }) => partOf === null);
  const alternatives = type.oneofsArray.map((oneof) =>
    fc.oneof(
      fc.constant({}),
      ...oneof.fieldsArray.map((field) => fc.record({ [field.name]: fieldValue(field, depth) })),
    ),
  );
  return fc
    .tuple(
      fc.record(Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, depth)])), {
        requiredKeys: [],
      }),
      ...alternatives,
    )
    .map((parts) => Object.assign({}, ...parts));
}

/** Of a single field never its default: whether that is written or left out is the writer's choice. */
function fieldValue(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const { resolvedType, type, repeated } = field.resolve();
  if (resolvedType instanceof protobuf.Type) {
    if (depth === 1) return fc.constant(undefined);
    const message = messageArbitrary(resolvedType, depth - 1);
    return repeated ? fc.array(message, { maxLength: 3 }) : message;
  }
  const value = resolvedType instanceof protobuf.Enum ? enumValue(resolvedType) : scalars[type];
  if (value === undefined) throw new Error(`${field.fullName}: there are no values of type ${type}`);
  return repeated ? fc.array(value, { maxLength: 3 }) : value.filter((one) => !defaults.has(one));
}

const defaults = new Set<unknown>(["", "0", 0, false]);

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  // Minus zero is not the default, but JSON has none.
  double: fc.double().filter((value) => !Object.is(value, -0)),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  string: fc.string({ unit: "binary" }),
  bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
};

function enumValue({ values }: protobuf.Enum): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(...Object.values(values)), fc.constantFrom(77, -5));
}
