/** Who may do what, written by hand: one row for each thing that can be asked for, and the callers who are let in. */

/** The roles that are there, the one that older web servers have beside them, and whoever shows nothing. */
export const roles = ["full", "client", "monitoring", "poller", "submitter", "operator", "legacy"] as const;
export const nobody = "nobody";
export type Caller = (typeof roles)[number] | typeof nobody;
export const callers: readonly Caller[] = [...roles, nobody];

/** The rpc, what is asked of it, and who may. */
export const rpcTable = `
Health.Check                        full client monitoring poller submitter operator legacy nobody
Health.Watch                        full client monitoring poller submitter operator legacy nobody
ServerReflection                    full client monitoring poller submitter operator legacy nobody
Gateway.Query                       full client monitoring poller operator
Gateway.QueryStream                 full client monitoring poller operator
Gateway.Execute                     full
Gateway.Submit                      full submitter operator
Gateway.SubmitStream                full submitter operator
Gateway.Subscribe                   full operator
Admin.Registry    list queries      full client poller operator
Admin.Registry    list aliases      full client monitoring poller operator
Admin.Registry    list commands     full
Admin.Registry    list modules      full client operator
Admin.Registry    list channels     full operator
Admin.Registry    list events       full operator
Admin.Registry    load              full operator
Admin.Registry    unload            full operator
Admin.Registry    reload            full operator
Admin.Registry    enable            full
Admin.Registry    disable           full
Admin.Settings    query             full operator
Admin.Settings    inventory         full operator
Admin.Settings    diff              full operator
Admin.Settings    status            full operator
Admin.Settings    update            full
Admin.Settings    delete            full
Admin.Settings    save              full
Admin.Metrics                       full monitoring poller operator
Admin.Logs                          full operator
Admin.Reload                        full operator
Admin.Status                        full poller operator
Admin.Queue       list              full operator
Admin.Queue       show              full operator
Admin.Queue       retry             full operator
Admin.Queue       drop              full operator
`;

/** The method, the route as the server has it ({1,2} for both generations), and who may. */
export const routeTable = `
GET    /                                               full client monitoring poller submitter operator legacy nobody
GET    /*                                              full client monitoring poller submitter operator legacy nobody
GET    /core/isalive                                   full client monitoring poller submitter operator legacy nobody
GET    /health/live                                    full client monitoring poller submitter operator legacy nobody
GET    /health/ready                                   full client monitoring poller submitter operator legacy nobody
GET    /auth/token                                     full client monitoring poller submitter operator legacy nobody
POST   /auth/token                                     full client monitoring poller submitter operator legacy nobody
GET    /auth/logout                                    full client monitoring poller submitter operator legacy nobody
POST   /auth/logout                                    full client monitoring poller submitter operator legacy nobody
GET    /api/docs                                       full client monitoring poller submitter operator legacy nobody
GET    /api                                            full client monitoring poller submitter operator
GET    /api/openapi.json                               full client monitoring poller submitter operator
GET    /api/v3/openapi.json                            full client monitoring poller submitter operator
GET    /api/v{1,2}                                     full client monitoring poller submitter operator
GET    /api/v{1,2}/login                               full client monitoring operator legacy
POST   /api/v{1,2}/login                               full client monitoring operator legacy
DELETE /api/v{1,2}/login                               full client monitoring operator legacy
GET    /api/v{1,2}/info                                full client operator
GET    /api/v{1,2}/info/version                        full client poller operator
GET    /api/v{1,2}/aliases                             full client monitoring poller operator
GET    /api/v{1,2}/queries                             full client poller operator
GET    /api/v{1,2}/queries/:name                       full client operator
GET    /api/v{1,2}/queries/:name/commands/execute      full client monitoring poller operator
POST   /api/v{1,2}/queries/:name/commands/execute      full client monitoring poller operator
GET    /api/v{1,2}/queries/:name/commands/execute_nagios full client monitoring poller operator
POST   /api/v{1,2}/queries/:name/commands/execute_nagios full client monitoring poller operator
GET    /api/v{1,2}/queries/:name/commands/:command     full client monitoring poller operator
POST   /api/v{1,2}/queries/:name/commands/:command     full client monitoring poller operator
POST   /api/v3/query                                   full client monitoring poller operator
POST   /api/v3/execute                                 full
POST   /api/v3/submit                                  full submitter operator
GET    /api/v3/logs/stream                             full operator
GET    /api/v2/logs/stream                             full operator
GET    /api/v3/events/stream                           full operator
GET    /api/v2/events/stream                           full operator
GET    /query/:name                                    full legacy
POST   /query/:name                                    full legacy
POST   /query.pb                                       full legacy
GET    /api/v{1,2}/modules                             full client operator
GET    /api/v{1,2}/modules/:module                     full operator
PUT    /api/v{1,2}/modules/:module                     full
POST   /api/v{1,2}/modules/:module
GET    /api/v{1,2}/modules/:module/commands/:command   full operator
POST   /api/v{1,2}/modules/:module/commands/:command   full operator
GET    /api/v{1,2}/scripts                             full
GET    /api/v{1,2}/scripts/:runtime                    full
GET    /api/v{1,2}/scripts/:runtime/*                  full
PUT    /api/v{1,2}/scripts/:runtime/*
DELETE /api/v{1,2}/scripts/:runtime/*
GET    /api/v{1,2}/logs                                full operator
GET    /api/v{1,2}/logs/since                          full operator
GET    /api/v{1,2}/logs/status                         full operator
POST   /api/v{1,2}/logs                                full
DELETE /api/v{1,2}/logs                                full
DELETE /api/v{1,2}/logs/status                         full operator
GET    /api/v{1,2}/settings                            full operator
GET    /api/v{1,2}/settings/*                          full operator
GET    /api/v{1,2}/settings/descriptions               full operator
GET    /api/v{1,2}/settings/descriptions/*             full operator
GET    /api/v{1,2}/settings/status                     full operator
GET    /api/v{1,2}/settings/diff                       full operator
PUT    /api/v{1,2}/settings                            full
PUT    /api/v{1,2}/settings/*                          full
DELETE /api/v{1,2}/settings                            full
DELETE /api/v{1,2}/settings/*                          full
POST   /api/v{1,2}/settings/command                    full
GET    /api/v2/metrics                                 full monitoring poller operator
GET    /api/v2/openmetrics                             full monitoring poller operator
GET    /api/v{1,2}/events                              full operator
DELETE /api/v{1,2}/events                              full
GET    /api/v{1,2}/metadata                            full operator
GET    /api/v{1,2}/metadata/channels                   full operator
GET    /api/v{1,2}/metadata/counters                   full operator
GET    /api/v2/tags                                    full operator
GET    /metrics                                        full legacy
GET    /log/status                                     full legacy
GET    /log/messages                                   full legacy
POST   /log/reset                                      full legacy
POST   /settings/query.pb                              full
POST   /core/reload                                    full legacy
POST   /console/exec                                   full
`;

/** The rows of a table: what is asked for, the words of its columns joined, and who may. */
export function rowsOf(table: string): ReadonlyMap<string, readonly Caller[]> {
  const rows = table
    .trim()
    .split("\n")
    .map((line): [string, Caller[]] => {
      const words = line.split(/ +/);
      const isCaller = (word: string): word is Caller => callers.some((caller) => caller === word);
      const begin = words.findIndex(isCaller);
      const what = begin < 0 ? words : words.slice(0, begin);
      return [what.join(" "), words.slice(what.length).filter(isCaller)];
    });
  return new Map(rows);
}
