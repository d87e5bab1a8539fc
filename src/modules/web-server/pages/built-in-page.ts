/** What a browser sees where no web interface is installed. It asks for nothing else and holds nothing of the request. */
export const builtInPage = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NSCP gateway</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em; color: #222; background: #fff; }
code { background: #eee; padding: 0 .3em; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } code { background: #333; } a { color: #8bf; } }
</style>
</head>
<body>
<h1>NSCP gateway</h1>
<p>The gateway runs. The web interface is not installed: its files belong into the folder that
<code>nscp settings --path-override</code> and <code>[paths]</code> call <code>web-path</code>.</p>
<p>The REST interface is there, and <a href="/api/docs">described here</a>. It needs the credentials of a user: <code>nscp web install</code>
makes the first user, and <code>nscp web add-user</code> further ones.</p>
<p><a href="/health/ready">How the gateway fares</a></p>
</body>
</html>
`;
