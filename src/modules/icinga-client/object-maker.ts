import { answerText, type IcingaAnswer } from "./answer.js";
import { type IcingaObject, objectOf } from "./check-result.js";
import type { IcingaApi } from "./icinga-api.js";

export interface ObjectTemplates {
  /** Empty: none. */
  readonly hostTemplate: string;
  readonly serviceTemplate: string;
  readonly checkCommand: string;
}

/**
 * Creates what Icinga does not know: the host, then the service.
 *
 * One object at a time, whoever asks: results for many services of a new host arrive side by side, and a creation is a
 * change of Icinga's configuration.
 */
export class ObjectMaker {
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: Pick<IcingaApi, "request">,
    private readonly templates: ObjectTemplates,
  ) {}

  /**
   * @returns why the object could not be made, in Icinga's words; undefined when it is there
   * @throws Error when Icinga can't be asked
   */
  ensure(object: IcingaObject, signal: AbortSignal): Promise<string | undefined> {
    const made = this.#last.then(() => this.#ensure(object, signal));
    this.#last = made.catch(() => undefined);
    return made;
  }

  async #ensure(object: IcingaObject, signal: AbortSignal): Promise<string | undefined> {
    const { hostTemplate, serviceTemplate, checkCommand } = this.templates;
    const host = objectOf({ host: object.host, service: "" });
    const hostProblem = await this.#put(host, attributes(hostTemplate, { address: object.host }), signal);
    if (hostProblem !== undefined || object.type === "Host") return hostProblem;
    return this.#put(object, attributes(serviceTemplate, { check_command: checkCommand }), signal);
  }

  async #put(object: IcingaObject, body: unknown, signal: AbortSignal): Promise<string | undefined> {
    const path = `/v1/objects/${object.type === "Host" ? "hosts" : "services"}/${encodeURIComponent(object.name)}`;
    const known = await this.api.request("GET", path, undefined, signal);
    if (isGood(known)) return undefined;
    const made = await this.api.request("PUT", path, body, signal);
    if (isGood(made) || /\balready exists\b/.test(made.text)) return undefined;
    return `${object.type} ${object.name} can't be created: ${answerText(made)}`;
  }
}

function attributes(template: string, attrs: Record<string, unknown>): Record<string, unknown> {
  return { templates: template === "" ? [] : [template], attrs };
}

function isGood({ status }: IcingaAnswer): boolean {
  return status >= 200 && status < 300;
}
