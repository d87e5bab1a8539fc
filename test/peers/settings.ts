/** A gateway as peers meet it: checks, and a front end that wants to know who they are. */
export const peerSettings = `
[/modules]
CheckHelpers = enabled
GRPCServer = enabled

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
allowed hosts = 127.0.0.1
verify mode = peer

[/settings/security/certificates]
CN:client = poller

[/settings/security/roles]
poller = queries.execute:check_*
`;
