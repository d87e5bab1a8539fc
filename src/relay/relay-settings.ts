import type { ObjectSpec, SettingsObjects, SettingsSchema, ValuesOf } from "../settings/schema.js";
import { deliveryKeys } from "./delivery-keys.js";
import { nameKeys } from "./name-keys.js";
import type { RelayProtocol } from "./relay.js";
import { commonTargetKeys } from "./target-keys.js";

/** A protocol of which nothing is known but what all have in common. */
export type AnyProtocol = RelayProtocol<ObjectSpec["keys"]>;

const sharedKeys = { ...commonTargetKeys, ...deliveryKeys, ...nameKeys };

/** What every target has; its own keys are there as well, and only its protocol knows them. */
export type TargetValues = ValuesOf<typeof sharedKeys>;

/** The settings of a relay, as far as they are the same for all. */
export interface RelaySettings {
  readonly channel: readonly string[];
  readonly hostname: string;
  readonly submitTo: readonly string[];
  readonly handlers: ReadonlyMap<string, string>;
  readonly targets: SettingsObjects<TargetValues>;
}

/** Everything that can be set for a target of the protocol. */
export function targetKeysOf(protocol: AnyProtocol): ObjectSpec["keys"] {
  const { batch } = protocol;
  const batchSize = { ...deliveryKeys.batchSize, default: batch.count };
  return { ...sharedKeys, batchSize, ...protocol.targetKeys };
}

/** The declaration of a relay's settings. */
export function relaySettings(protocol: AnyProtocol): SettingsSchema {
  const { name, summary, channel } = protocol;
  const section = `/settings/${protocol.section}/\${alias}`;
  return {
    section,
    title: name,
    description: summary,
    keys: {
      channel: {
        type: "list",
        default: [channel],
        title: "Channel",
        description: "The channels whose results are relayed",
      },
      hostname: {
        type: "string",
        default: "auto",
        title: "Hostname",
        description:
          "The host of results whose sender names none: a name, auto, or a template with ${hostname}, ${host}, ${domain}",
      },
      submitTo: {
        type: "list",
        title: "Submit to",
        description:
          "The targets of submissions that name none; unless given the target default, or all when that has no address",
      },
    },
    maps: {
      handlers: {
        section: `${section}/handlers`,
        title: "Handlers",
        description: `Further commands: name = submit_${wordOf(protocol)} and its arguments`,
      },
    },
    objects: {
      targets: {
        section: `${section}/targets`,
        title: "Targets",
        description: "The receivers, by the names that submissions use for them",
        oneLiner: "address",
        keys: targetKeysOf(protocol),
      },
    },
  };
}

/** The protocol's word as it stands in the names of commands: `nsca-ng` is `nsca_ng`. */
export function wordOf({ word }: Pick<AnyProtocol, "word">): string {
  return word.replaceAll("-", "_");
}
