/** What routes about checks take and give, for the description of the API. */
import { Type } from "typebox";
import type { ParameterDescription } from "../route.js";

const state = Type.Enum(["OK", "WARNING", "CRITICAL", "UNKNOWN"]);
const stateNumber = Type.Integer({ minimum: 0, maximum: 3, description: "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN" });

const threshold = Type.Union([Type.Number(), Type.String()], { description: "A number, or a range such as @10:20" });
const measurement = {
  value: Type.Union([Type.Number(), Type.String()], { description: "A number, or U when there is no value" }),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
  warning: Type.Optional(threshold),
  critical: Type.Optional(threshold),
};

const perfByLabel = Type.Record(Type.String(), Type.Object({ ...measurement, unit: Type.Optional(Type.String()) }));
const perfList = Type.Array(Type.Object({ label: Type.String(), ...measurement, unit: Type.String() }));

const times = {
  started: Type.Optional(Type.String({ format: "date-time", description: "With nscp.verbose=true" })),
  duration_ms: Type.Optional(Type.Number({ description: "With nscp.verbose=true" })),
};

const facts = {
  name: Type.String(),
  plugin: Type.String({ description: "The module that answers" }),
  title: Type.String(),
  metadata: Type.Object({}),
  description: Type.String(),
};

export const listSchema = Type.Array(Type.Object({ ...facts, query_url: Type.String() }));

export const detailsSchema = Type.Object({
  ...facts,
  execute_url: Type.String(),
  execute_nagios_url: Type.String(),
});

export const executeSchema = Type.Object({
  command: Type.String(),
  result: stateNumber,
  lines: Type.Array(Type.Object({ message: Type.String(), perf: Type.Union([perfByLabel, perfList]) })),
  ...times,
});

export const nagiosSchema = Type.Object({
  command: Type.String(),
  result: state,
  lines: Type.Array(Type.Object({ message: Type.String(), perf: Type.String() })),
  ...times,
});

export const legacySchema = Type.Object({
  payload: Type.Array(
    Type.Object({
      command: Type.String(),
      result: state,
      lines: Type.Array(
        Type.Object({
          message: Type.String(),
          perf: Type.Array(
            Type.Object({
              alias: Type.String(),
              float_value: Type.Object({ ...measurement, unit: Type.String() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

export const plainSchema = Type.String({ description: "A row for each line, its performance data behind a |" });

/** Plain text says the state with the status, too. */
export const plainAnswers = {
  202: { "text/plain": plainSchema },
  500: { "text/plain": plainSchema },
  503: { "text/plain": plainSchema },
};

export const argumentsBody = {
  "application/json": Type.Object({ arguments: Type.Array(Type.String()) }),
};

export const nameParameter: ParameterDescription = {
  name: "name",
  in: "path",
  description: "The check, in any case of letters",
  schema: Type.String(),
  required: true,
};

export const optionParameters: readonly ParameterDescription[] = [
  {
    name: "nscp.perf",
    in: "query",
    description: "list keeps the order of measurements and those with the same label",
    schema: Type.Enum(["object", "list"]),
  },
  {
    name: "nscp.verbose",
    in: "query",
    description: "true adds when the check began and how many milliseconds it took",
    schema: Type.Boolean(),
  },
];
