import { Type } from "typebox";
import type { ParameterDescription } from "../route.js";

/** The section that follows `/settings` in the path of a request; the root is the empty one. */
export function sectionIn({ params }: { readonly params: Readonly<Record<string, string>> }): string {
  const rest = params["*"] ?? "";
  return rest === "" ? "" : `/${rest.replace(/\/$/, "")}`;
}

export const sectionParameter: ParameterDescription = {
  name: "*",
  in: "path",
  description: "A section without its first slash: settings/default",
  schema: Type.String(),
  required: true,
};
