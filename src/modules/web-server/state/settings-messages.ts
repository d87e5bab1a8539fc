import type { Call } from "../../../kernel/call.js";
import { GatewayError } from "../../../kernel/errors.js";
import { PB, SettingsRequestMessage, StatusCode } from "../../../wire/messages.js";
import type { RouteParts } from "../route-parts.js";

type Fields = Partial<PB.Settings.SettingsRequestMessage.Request>;
type Answer = PB.Settings.SettingsResponseMessage.Response;

const { Request } = PB.Settings.SettingsRequestMessage;

/** Asks for several things at once; each has its answer, and perhaps a reason why there is none. */
export async function askSettings(
  { gateway }: Pick<RouteParts, "gateway">,
  call: Call,
  asked: readonly Fields[],
): Promise<readonly Answer[]> {
  const payload = asked.map((fields) => Request.create(fields));
  return (await gateway.settingsQuery(SettingsRequestMessage.create({ payload }), call)).payload;
}

/** Why something was not done: the caller may not, or it could not be done. Undefined for what was done. */
export function failureOf(
  answer: Answer | undefined,
): { readonly isRefusal: boolean; readonly text: string } | undefined {
  if (answer?.result?.code === StatusCode.STATUS_OK) return undefined;
  const text = answer?.result?.message ?? "The settings gave no answer.";
  return { isRefusal: text.startsWith("Permission denied:"), text: text.replace(/^Settings error: /, "") };
}

/**
 * The answer to one thing.
 * @throws GatewayError PERMISSION_DENIED for what the caller may not do, FAILED_PRECONDITION for what can't be done
 */
export async function askSetting(state: Pick<RouteParts, "gateway">, call: Call, fields: Fields): Promise<Answer> {
  const [answer] = await askSettings(state, call, [fields]);
  const failure = failureOf(answer);
  if (answer !== undefined && failure === undefined) return answer;
  throw new GatewayError(failure?.isRefusal ? "PERMISSION_DENIED" : "FAILED_PRECONDITION", failure?.text ?? "");
}
