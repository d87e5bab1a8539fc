import checkHelpers from "../modules/check-helpers/index.js";
import graphiteClient from "../modules/graphite-client/index.js";
import grpcClient from "../modules/grpc-client/index.js";
import grpcServer from "../modules/grpc-server/index.js";
import icingaClient from "../modules/icinga-client/index.js";
import type { ModuleDefinition } from "../modules/module.js";
import nagiosClient from "../modules/nagios-client/index.js";
import nodeScript from "../modules/node-script/index.js";
import nrdpClient from "../modules/nrdp-client/index.js";
import nrdpServer from "../modules/nrdp-server/index.js";
import nrpeClient from "../modules/nrpe-client/index.js";
import nrpeServer from "../modules/nrpe-server/index.js";
import nscaClient from "../modules/nsca-client/index.js";
import nscaNgClient from "../modules/nsca-ng-client/index.js";
import nscaServer from "../modules/nsca-server/index.js";
import pythonScript from "../modules/python-script/index.js";
import simpleFileWriter from "../modules/simple-file-writer/index.js";
import webServer from "../modules/web-server/index.js";
import { type ModuleSchema, type SettingsSchema, sectionAlias } from "../settings/schema.js";

/** Every module that `[/modules]` can switch on. */
export const moduleDefinitions: readonly ModuleDefinition<SettingsSchema>[] = [
  erased(checkHelpers),
  erased(graphiteClient),
  erased(grpcClient),
  erased(grpcServer),
  erased(icingaClient),
  erased(nagiosClient),
  erased(nodeScript),
  erased(nrdpClient),
  erased(nrdpServer),
  erased(nrpeClient),
  erased(nrpeServer),
  erased(nscaClient),
  erased(nscaNgClient),
  erased(nscaServer),
  erased(pythonScript),
  erased(simpleFileWriter),
  erased(webServer),
];

/** What `config check`, documentation and user interfaces know of the modules. */
export const moduleSchemas: readonly ModuleSchema[] = moduleDefinitions.map((definition) => ({
  name: definition.name,
  defaultAlias: sectionAlias(definition, definition.defaultAlias),
  schema: definition.settings,
  check: definition.check,
}));

/** A module is started with the settings that were read by its own schema, so the list needs no type for each. */
function erased<Schema extends SettingsSchema>(definition: ModuleDefinition<Schema>): ModuleDefinition<SettingsSchema> {
  return definition as unknown as ModuleDefinition<SettingsSchema>;
}
