import type { GatewayControl } from "../kernel/control.js";
import type { PB, SettingsRequestMessage } from "../wire/messages.js";
import { adminMethods } from "../wire/services.js";
import { refusalsAmong } from "./audit-trail.js";
import { checkPayloads, type Operation } from "./operation.js";

/** Settings; the gateway checks a grant for each payload. */
export function settingsOperation(
  gateway: GatewayControl,
): Operation<SettingsRequestMessage, PB.Settings.SettingsResponseMessage> {
  return {
    method: adminMethods.settings,
    audit: {
      action: ({ payload }) =>
        payload.some(({ update, control }) => update !== null || control !== null) ? "settings.put" : "settings.get",
      objects: ({ payload }) => payload.map(settingOf),
      // The gateway records them itself, each under the grant that was missing.
      refusals: ({ payload }, answer) =>
        refusalsAmong(
          answer.payload,
          ({ result }) => result?.message ?? "",
          (index) => settingOf(payload[index]),
        ).map((refusal) => ({ ...refusal, isRecorded: true })),
    },
    handle(request, call) {
      checkPayloads(request);
      return gateway.settingsQuery(request, call);
    },
  };
}

function settingOf(request: PB.Settings.SettingsRequestMessage.Request | undefined): string {
  const { update, query, inventory, diff } = request ?? {};
  return nodeName((update ?? query ?? inventory ?? diff)?.node);
}

function nodeName(node: PB.Settings.Node | null | undefined): string {
  if (node === null || node === undefined) return "";
  return node.key === "" ? node.path : `${node.path}/${node.key}`;
}
