import type { Call } from "../kernel/call.js";
import { GatewayError } from "../kernel/errors.js";
import { responseHeader } from "../kernel/header.js";
import type { Grants } from "../kernel/principal.js";
import { refuseRemoteWrite } from "../security/remote-settings.js";
import type { Security } from "../security/security.js";
import { answerSettings, type SettingsControl } from "../settings/messages.js";
import { normalisePath } from "../settings/names.js";
import type { SettingsStore } from "../settings/store.js";
import { PB, type SettingsRequestMessage, SettingsResponseMessage, StatusCode } from "../wire/messages.js";

type Request = PB.Settings.SettingsRequestMessage.Request;
type Answer = PB.Settings.SettingsResponseMessage.Response;

const { Command } = PB.Settings;

/**
 * Settings messages behind the grants of their caller. Over a network secrets are shown as `***`, and nothing can be
 * written that decides what is executed; a refused payload answers STATUS_ERROR while the others run.
 */
export class SettingsAccess {
  constructor(
    private readonly store: SettingsStore,
    private readonly control: SettingsControl,
    private readonly security: Security,
  ) {}

  /** @throws GatewayError PERMISSION_DENIED when the caller may do nothing at all with settings */
  async run(message: SettingsRequestMessage, call: Call): Promise<SettingsResponseMessage> {
    const { principal } = call;
    if (!["settings.get", "settings.put", "settings.delete"].some((grant) => principal.grants.allows(grant))) {
      throw new GatewayError("PERMISSION_DENIED", `${principal.name} is not allowed to use settings.`);
    }
    const answers: PB.Settings.SettingsResponseMessage.Response[] = [];
    for (const request of message.payload) answers.push(await this.answer(request, call));
    const header = message.header === null ? null : responseHeader(message.header);
    return SettingsResponseMessage.create({ header, payload: answers });
  }

  private async answer(request: Request, call: Call): Promise<PB.Settings.SettingsResponseMessage.Response> {
    const { Response } = PB.Settings.SettingsResponseMessage;
    const refused = refusal(request, call, this.store);
    if (refused !== undefined) {
      this.auditRefusal(request, call, refused);
      const result = PB.Common.Result.create({ code: StatusCode.STATUS_ERROR, message: refused });
      return Response.create({ id: request.id, result });
    }
    const payload = [call.remote ? redacted(request) : request];
    const answer = await answerSettings({ header: null, payload }, this.store, this.control);
    const [response] = answer.payload;
    return response === undefined ? Response.create({ id: request.id }) : readable(response, call.principal.grants);
  }

  /** The front end reports the call as a whole; which of its payloads were refused is known only here. */
  private auditRefusal(request: Request, { principal, peer, frontEnd, traceId }: Call, reason: string): void {
    const { path, key } = nodeOf(request) ?? { path: "", key: "" };
    const objects = path === "" ? [] : [key === "" ? path : `${path}/${key}`];
    const action = grantFor(request);
    this.security.audit.record({ principal, peer, frontEnd, traceId, action, objects, outcome: "denied", reason });
  }
}

/** Why the caller may not do this, if so. */
function refusal(request: Request, call: Call, store: SettingsStore): string | undefined {
  const { registry } = store;
  const { name, grants } = call.principal;
  const grant = grantFor(request);
  const path = request.update?.node?.path ?? "";
  if (!grants.allows(grant)) return `Permission denied: ${name} has no grant ${grant}`;
  const section = outOfReach(request, grant, grants, store);
  if (section !== undefined) return `Permission denied: ${name} has no grant ${grant} for ${section}`;
  if (!call.remote) return undefined;
  if (request.registration !== null) return "Permission denied: nothing can be registered over a network";
  if (request.control !== null && request.control.context !== "") {
    return "Permission denied: other stores can't be read or written over a network";
  }
  if (request.update === null) return undefined;
  const key = request.update.node?.key ?? "";
  const reason = refuseRemoteWrite(path, key, registry.key(path, key));
  return reason === undefined ? undefined : `Permission denied: ${reason}`;
}

/**
 * What of the request lies outside of the sections that the grant is limited to. Lists are not refused but shortened, see
 * {@link readable}.
 */
function outOfReach(request: Request, grant: string, grants: Grants, store: SettingsStore): string | undefined {
  const reaches = (path: string) => grants.allows(grant, normalisePath(path));
  const { inventory, query, registration, update, control } = request;
  if (inventory !== null || query !== null) {
    const node = (inventory ?? query)?.node;
    return node === null || node === undefined || node.key === "" || reaches(node.path) ? undefined : node.path;
  }
  if (registration !== null || update !== null) {
    const path = (registration ?? update)?.node?.path ?? "";
    return reaches(path) ? undefined : path || "the root";
  }
  if (control === null || control.command === Command.RELOAD) return undefined;
  // To save is to save everybody's changes, and to load drops them all.
  if (control.command === Command.SAVE && control.context === "") {
    return store.diff().find(({ path }) => !reaches(path))?.path;
  }
  return grants.allows(grant, "*") ? undefined : "all sections";
}

/** The answer without the sections that the caller has no grant for. */
function readable(answer: Answer, grants: Grants): Answer {
  const isReadable = (node: { path: string } | null | undefined) =>
    grants.allows("settings.get", normalisePath(node?.path ?? ""));
  if (answer.query !== null) answer.query.nodes = answer.query.nodes.filter(isReadable);
  if (answer.inventory.length > 0) answer.inventory = answer.inventory.filter(({ node }) => isReadable(node));
  if (answer.diff !== null) answer.diff.entries = answer.diff.entries.filter(isReadable);
  return answer;
}

function nodeOf(request: Request): PB.Settings.Node | null | undefined {
  return (request.inventory ?? request.query ?? request.registration ?? request.update ?? request.diff)?.node;
}

/** A payload does the first action that it has, in the order of `answerSettings`. */
function grantFor(request: Request): string {
  if (request.inventory !== null || request.query !== null) return "settings.get";
  if (request.registration !== null) return "settings.put";
  if (request.update !== null) return (request.update.node?.value ?? "") === "" ? "settings.delete" : "settings.put";
  if (request.control !== null) return request.control.command === Command.RELOAD ? "admin.reload" : "settings.put";
  return "settings.get";
}

function redacted(request: Request): Request {
  const { Request } = PB.Settings.SettingsRequestMessage;
  const { query, inventory } = request;
  return Request.create({
    ...request,
    query: query && Request.Query.create({ ...query, redactSensitive: true }),
    inventory: inventory && Request.Inventory.create({ ...inventory, redactSensitive: true }),
  });
}
