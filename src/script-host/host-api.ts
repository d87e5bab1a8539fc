/**
 * What a script's calls land on, whatever language it is written in: queries, commands, submissions, settings and
 * modules of the gateway that it runs in. A script acts with the authority of its module; made during a callback, a call
 * keeps the deadline and the depth of what it answers.
 */
import type { Call, CallingModule } from "../kernel/call.js";
import type { GatewayControl } from "../kernel/control.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { moduleKey } from "../kernel/modules.js";
import { modulePrincipal } from "../kernel/principal.js";
import {
  EventMessage,
  ExecuteRequest,
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  Line,
  type MessageType,
  PB,
  QueryRequest,
  QueryRequestMessage,
  QueryResponse,
  QueryResponseMessage,
  RegistryRequestMessage,
  RegistryResponseMessage,
  SettingsRequestMessage,
  SettingsResponseMessage,
  StatusCode,
  SubmitRequestMessage,
} from "../wire/messages.js";
import { simpleResult } from "../wire/nagios-text.js";
import { parsePerfdata } from "../wire/perfdata.js";
import { toResultCode, worstCode } from "../wire/result-code.js";
import { argumentFault } from "./operation-arguments.js";
import type { HostOperation, HostOperations } from "./protocol.js";
import type { Answer, RunningCallback } from "./script-session.js";
import { ScriptSettings } from "./script-settings.js";

/** A call of a script as its operation sees it. */
interface Incoming {
  readonly call: Call;
  readonly raw: Uint8Array;
  readonly during: RunningCallback | undefined;
}

type Operation<Op extends HostOperation> = (
  args: HostOperations[Op]["args"],
  incoming: Incoming,
) => Reply<Op> | Promise<Reply<Op>>;

interface Reply<Op extends HostOperation> {
  value: HostOperations[Op]["value"];
  raw?: Uint8Array;
}

export class HostApi {
  private readonly settings: ScriptSettings;
  private readonly operations: { [Op in HostOperation]: Operation<Op> };

  /** @param module the instance whose scripts call */
  constructor(
    private readonly gateway: GatewayControl,
    private readonly module: CallingModule,
    private readonly log: Logger,
  ) {
    this.settings = new ScriptSettings(gateway, module.id, log);
    this.operations = this.table();
  }

  /**
   * Runs what a script asked for.
   *
   * @param during the callback that it is made in, if any
   * @throws Error whose message the script gets
   */
  async run(
    op: string,
    args: unknown,
    raw: Uint8Array | undefined,
    during: RunningCallback | undefined,
  ): Promise<Answer> {
    const operation = Object.hasOwn(this.operations, op) ? this.operations[op as HostOperation] : undefined;
    if (operation === undefined || !Array.isArray(args)) throw new Error(`The gateway has no operation ${op}.`);
    const fault = argumentFault(op as HostOperation, args);
    if (fault !== undefined) throw new GatewayError("INVALID_ARGUMENT", fault);
    const aborted = during?.call.aborted;
    if (aborted !== undefined) throw new GatewayError(aborted.code, `Nobody waits for it: ${aborted.message}`);
    const call = this.ownCall(during?.call);
    try {
      const reply = await (operation as Operation<HostOperation>)(args as never, { call, raw: raw ?? noBytes, during });
      return { value: reply.value, raw: reply.raw };
    } finally {
      call.finish();
    }
  }

  /** A call that the module makes: during another, or by itself. */
  ownCall(during: Call | undefined): Call {
    if (during === undefined) return this.gateway.moduleCall(this.module);
    return during.madeBy(this.module, modulePrincipal(this.module.alias));
  }

  private table(): { [Op in HostOperation]: Operation<Op> } {
    const { gateway, settings } = this;
    const { core } = gateway;
    return {
      simpleQuery: async ([command, args], { call }) => {
        const request = QueryRequestMessage.create({ payload: [QueryRequest.create({ command, arguments: args })] });
        const [answer] = (await core.query(request, call)).payload;
        this.explainUnknown(command);
        if (answer === undefined || answer.lines.length === 0) return { value: [toResultCode(3), "", ""] };
        const { message, perf } = simpleResult(answer);
        return { value: [toResultCode(answer.result), message, perf] };
      },
      query: async (_args, { call, raw }) => {
        const answer = await core.query(decode(QueryRequestMessage, raw), call);
        return { value: null, raw: QueryResponseMessage.encode(answer).finish() };
      },
      simpleExec: async ([target, command, args], { call }) => {
        const request = ExecuteRequestMessage.create({
          payload: [ExecuteRequest.create({ command, arguments: args })],
        });
        const { handled, message: answer } = await core.execute(target, request, call);
        const { payload } = answer;
        const code = worstCode(payload.map(({ result }) => result));
        return { value: [code, payload.map(({ message }) => message), handled] };
      },
      exec: async ([target], { call, raw }) => {
        const { handled, message } = await core.execute(target, decode(ExecuteRequestMessage, raw), call);
        return { value: handled, raw: ExecuteResponseMessage.encode(message).finish() };
      },
      simpleSubmit: ([channel, command, code, message, perf], { call }) => {
        if (toResultCode(code) !== code) this.log.info(`${command} was submitted with the state ${code}: UNKNOWN`);
        const lines = [Line.create({ message, perf: parsePerfdata(perf) })];
        const payload = [QueryResponse.create({ command, result: toResultCode(code), lines })];
        return this.submit(channel, SubmitRequestMessage.create({ channel, payload }), call);
      },
      submit: ([channel], { call, raw }) => this.submit(channel, decode(SubmitRequestMessage, raw), call),
      emit: async (_args, { call, raw }) => {
        await core.emit(decode(EventMessage, raw), call);
        return { value: null };
      },
      reload: async ([name], { during }) => {
        const what = name.replace(/^(delayed|delay|instant),/i, "").trim();
        if (this.isOwn(what) || what.toLowerCase() === "service") {
          return this.later(during, `reload ${what}`, async () => (await gateway.reload(what)).reloaded);
        }
        return { value: (await gateway.reload(name)).reloaded };
      },
      loadModule: async ([module, alias], { during }) => {
        const own = moduleKey(module) === moduleKey(this.module.name) && (alias === "" || this.isOwn(alias));
        if (own) return this.later(during, `load ${module}`, () => gateway.loadModule(module, alias));
        return { value: await gateway.loadModule(module, alias) };
      },
      unloadModule: async ([name], { during }) => {
        if (this.isOwn(name)) return this.later(during, `unload ${name}`, () => gateway.unloadModule(name));
        return { value: await gateway.unloadModule(name) };
      },
      knowsPlugin: ([id]) => ({ value: gateway.modules().some((module) => module.id === id) }),
      expandPath: ([text]) => ({ value: this.expandPath(text) }),
      settingsSection: async ([path], { call }) => ({ value: await settings.section(path, call) }),
      settingsString: async ([path, key, fallback], { call }) => ({
        value: (await settings.get(path, key, call)) ?? fallback,
      }),
      settingsBool: async ([path, key, fallback], { call }) => ({
        value: await settings.getBool(path, key, fallback, call),
      }),
      settingsInt: async ([path, key, fallback], { call }) => ({
        value: await settings.getInt(path, key, fallback, call),
      }),
      settingsSet: async ([path, key, value], { call }) => {
        await settings.set(path, key, value, call);
        return { value: null };
      },
      settingsSave: async (_args, { call }) => {
        await settings.save(call);
        return { value: null };
      },
      registerPath: async ([path, title, description], { call }) => {
        await settings.registerPath(path, title, description, call);
        return { value: null };
      },
      registerKey: async ([path, key, type, title, description, fallback], { call }) => {
        await settings.registerKey({ path, key, type, title, description, fallback }, call);
        return { value: null };
      },
      settingsQuery: async (_args, { call, raw }) => {
        const answer = await gateway.settingsQuery(decodeOrEmpty(SettingsRequestMessage, raw), call);
        return { value: null, raw: SettingsResponseMessage.encode(answer).finish() };
      },
      registryQuery: async (_args, { call, raw, during }) => {
        const answer = await this.registryQuery(decodeOrEmpty(RegistryRequestMessage, raw), call, during);
        return { value: null, raw: RegistryResponseMessage.encode(answer).finish() };
      },
    };
  }

  private async submit(
    channel: string,
    message: SubmitRequestMessage,
    call: Call,
  ): Promise<{ value: [boolean, string] }> {
    const outcome = await this.gateway.core.submit(channel, message, call).catch(refusalOf);
    if (typeof outcome === "string") return { value: [true, outcome] };
    const last = outcome.message.payload.at(-1);
    const fallback = outcome.handled ? "" : `Failed to submit message: ${channel}`;
    return { value: [outcome.handled, last?.result?.message || fallback] };
  }

  /** A path that can't be expanded is empty for a script, which has never been told otherwise. */
  private expandPath(text: string): string {
    try {
      return this.gateway.expandPath(text);
    } catch (thrown) {
      this.log.error(`Failed to expand ${text}: ${errorText(thrown)}`, { error: thrown });
      return "";
    }
  }

  /** The log has what the one who wrote the script wants to know: what there is instead. */
  private explainUnknown(command: string): void {
    const { registry } = this.gateway;
    if (registry.findQuery(command) !== undefined) return;
    const known = registry.listQueries().map(({ name }) => name);
    const shown = known.slice(0, shownCommands).join(", ") || "none";
    const more = known.length > shownCommands ? ` and ${known.length - shownCommands} more` : "";
    this.log.error(`Unknown command(s): ${command.toLowerCase()}, available commands: ${shown}${more}`);
  }

  /** What a message does to the caller's own module happens when the callback has returned, and is answered with success now. */
  private async registryQuery(
    message: RegistryRequestMessage,
    call: Call,
    during: RunningCallback | undefined,
  ): Promise<RegistryResponseMessage> {
    const own = message.payload.filter(({ control }) => control !== null && this.isOwn(control.alias || control.name));
    if (own.length === 0) return this.gateway.registryQuery(message, call);
    this.later(during, "control the own module", async () => {
      const later = this.ownCall(undefined);
      try {
        await this.gateway.registryQuery(RegistryRequestMessage.create({ ...message, payload: own }), later);
        return true;
      } finally {
        later.finish();
      }
    });
    const payload = message.payload.filter((request) => !own.includes(request));
    const answer = await this.gateway.registryQuery(RegistryRequestMessage.create({ ...message, payload }), call);
    const answers = answer.payload.values();
    answer.payload = message.payload.map((request) => {
      const answered = own.includes(request) ? undefined : answers.next().value;
      return answered ?? RegistryResponse.create({ id: request.id, control: {}, result: succeeded });
    });
    return answer;
  }

  /** Whether the name means the module instance whose scripts call: its alias, or its name where the alias is free. */
  private isOwn(name: string): boolean {
    const wanted = name.trim().toLowerCase();
    if (wanted === this.module.alias.toLowerCase()) return true;
    const taken = this.gateway.modules().some((module) => module.alias.toLowerCase() === wanted);
    return !taken && moduleKey(wanted) === moduleKey(this.module.name);
  }

  /** What ends the caller's own host waits until its callback has returned, and `true` is the answer now. */
  private later(during: RunningCallback | undefined, what: string, work: () => Promise<boolean>): { value: boolean } {
    const run = () => {
      work().catch((thrown: unknown) => this.log.error(`Failed to ${what}: ${errorText(thrown)}`, { error: thrown }));
    };
    if (during === undefined) setImmediate(run);
    else during.afterwards(run);
    return { value: true };
  }
}

const { Response: RegistryResponse } = PB.Registry.RegistryResponseMessage;
const succeeded = PB.Common.Result.create({ code: StatusCode.STATUS_OK });
const noBytes = new Uint8Array(0);

/** Of thousands of commands a line of the log names the first. */
const shownCommands = 100;

function decode<Message>(type: MessageType<Message>, raw: Uint8Array): Message {
  try {
    return type.decode(raw);
  } catch (cause) {
    throw new GatewayError("INVALID_ARGUMENT", "Failed to parse request", { cause });
  }
}

/** Where scripts rely on it that bytes which are no message count as an empty one. */
function decodeOrEmpty<Message>(type: MessageType<Message>, raw: Uint8Array): Message {
  try {
    return type.decode(raw);
  } catch {
    return type.decode(noBytes);
  }
}

/** A script hears of a full spool as of any other failure: by the text. */
function refusalOf(thrown: unknown): string {
  const isRefusal = thrown instanceof GatewayError && ["RESOURCE_EXHAUSTED", "UNAVAILABLE"].includes(thrown.code);
  if (isRefusal) return thrown.message;
  throw thrown;
}
