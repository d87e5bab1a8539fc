import { Type } from "typebox";
import { shownValue } from "../../../settings/shown-value.js";
import { jsonReply } from "../http/replies.js";
import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { granted } from "./granted-route.js";

const tagsSection = "/settings/tags";

const maxTags = 256;
/** Characters. */
const longestKey = 128;
const longestValue = 1024;

/** What the settings say about this machine, for whoever sorts machines by it. */
export function tagRoutes({ store }: Pick<RouteParts, "store">): readonly Route[] {
  return [
    granted({
      methods: ["GET"],
      path: "/api/v2/tags",
      version: 2,
      grants: ["tags.get"],
      description: {
        tag: "tags",
        summary: `The tags of [${tagsSection}]`,
        answers: { 200: { "application/json": Type.Record(Type.String(), Type.String()) } },
      },
      handle() {
        const tags = store
          .keys(tagsSection)
          .map((key): [string, string] => [key, shownValue(store, tagsSection, key)])
          .filter(([key, value]) => value !== "" && length(key) <= longestKey && length(value) <= longestValue);
        return jsonReply(Object.fromEntries(tags.slice(0, maxTags)));
      },
    }),
  ];
}

function length(text: string): number {
  return [...text].length;
}
