import type { Call } from "../kernel/call.js";
import type { GatewayControl } from "../kernel/control.js";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { PB, SettingsRequestMessage, StatusCode } from "../wire/messages.js";

const { Node, Information } = PB.Settings;
const { Request } = PB.Settings.SettingsRequestMessage;
type Fields = Partial<PB.Settings.SettingsRequestMessage.Request>;
type Response = PB.Settings.SettingsResponseMessage.Response;

/** The settings as the simple functions of scripts see them. Writing never fails in the script: the log says what went wrong. */
export class ScriptSettings {
  constructor(
    private readonly gateway: GatewayControl,
    private readonly pluginId: number,
    private readonly log: Logger,
  ) {}

  /** The keys of a section, without those of the sections in it. */
  async section(path: string, call: Call): Promise<string[]> {
    const section = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
    const query = Request.Query.create({ node: Node.create({ path: section }), includeKeys: true });
    const nodes = (await this.ask({ query }, call)).query?.nodes ?? [];
    return nodes.map(({ key }) => key).filter((key) => key !== "");
  }

  /** @returns undefined for a key that is not set */
  async get(path: string, key: string, call: Call): Promise<string | undefined> {
    // A key that is not set reads as the default of the request, so that what nobody writes tells it apart.
    const query = Request.Query.create({ node: Node.create({ path, key }), defaultValue: notSet });
    const value = (await this.ask({ query }, call)).query?.node?.value;
    return value === notSet ? undefined : value;
  }

  /** `true`, `1` and `yes` in any case are true, every other text is false. */
  async getBool(path: string, key: string, fallback: boolean, call: Call): Promise<boolean> {
    const value = await this.get(path, key, call);
    return value === undefined ? fallback : /^(true|1|yes)$/i.test(value);
  }

  /** The default also stands in for a text that is no whole number. */
  async getInt(path: string, key: string, fallback: number, call: Call): Promise<number> {
    const value = await this.get(path, key, call);
    const number = value !== undefined && /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
    return Number.isSafeInteger(number) ? number : fallback;
  }

  /** An empty value removes the key. */
  async set(path: string, key: string, value: string, call: Call): Promise<void> {
    const update = Request.Update.create({ node: Node.create({ path, key, value }) });
    await this.write({ update }, `update ${path}.${key}`, call);
  }

  async save(call: Call): Promise<void> {
    const control = Request.Control.create({ command: PB.Settings.Command.SAVE });
    await this.write({ control }, "save the settings", call);
  }

  async registerPath(path: string, title: string, description: string, call: Call): Promise<void> {
    const info = Information.create({ title, description });
    const registration = Request.Registration.create({ node: Node.create({ path }), info });
    await this.write({ registration }, `register ${path}`, call);
  }

  /** Documents a key. Every key is a text, whatever `type` says; the default is not what reading it gives. */
  async registerKey(
    key: { path: string; key: string; type: string; title: string; description: string; fallback: string },
    call: Call,
  ): Promise<void> {
    const { title, description, fallback } = key;
    const info = Information.create({ title, description, defaultValue: fallback, type: "string" });
    const registration = Request.Registration.create({ node: Node.create({ path: key.path, key: key.key }), info });
    await this.write({ registration }, `register ${key.path}.${key.key}`, call);
  }

  private async ask(fields: Fields, call: Call): Promise<Response> {
    const request = Request.create({ pluginId: this.pluginId, ...fields });
    const message = await this.gateway.settingsQuery(SettingsRequestMessage.create({ payload: [request] }), call);
    const [response] = message.payload;
    if (response === undefined) throw new Error("The settings gave no answer.");
    if (response.result?.code === StatusCode.STATUS_ERROR) throw new Error(response.result.message);
    return response;
  }

  private async write(fields: Fields, what: string, call: Call): Promise<void> {
    try {
      await this.ask(fields, call);
    } catch (thrown) {
      this.log.error(`Failed to ${what}: ${errorText(thrown)}`, { error: thrown });
    }
  }
}

const notSet = "\u0000not set\u0000";
